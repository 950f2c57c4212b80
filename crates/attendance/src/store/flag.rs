//! What looked odd, and the scans in which it is looked for.

use chrono::{DateTime, NaiveDate, Utc};
use kit::{
    db::{Txn, places},
    page::Paging,
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait as _, ConnectionTrait, DbBackend, DbErr, EntityTrait as _, ExprTrait as _, FromQueryResult,
    PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Statement, Value,
    sea_query::{Expr, Func, OnConflict},
};
use uuid::Uuid;

use super::entity::flag::{ActiveModel, Column, Entity, Model};
use crate::{
    Error,
    domain::{Flag, FlagReview, Oddity, OddityKind, Sighting, Verdict},
};

/// More tries of a roll call, or of so many students, are not looked at in one go.
const MOST_TRIES: i64 = 20_000;
const MOST_SESSIONS: i64 = 1000;
const IDS_A_STATEMENT: usize = 200;

/// Which flags to list.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Filter {
    pub kind: Option<OddityKind>,
    pub session: Option<Uuid>,
    pub reviewed: Option<bool>,
}

/// Keeps an oddity. One that is known already may have come to be about more students, unless somebody looked at it; `None`
/// where nothing is new.
pub(crate) async fn raise_in_txn(
    txn: &Txn,
    id: Uuid,
    oddity: &Oddity,
    now: DateTime<Utc>,
) -> Result<Option<Flag>, Error> {
    let students: Vec<Uuid> = oddity.students.iter().copied().collect();
    let row = ActiveModel {
        id: Set(id),
        kind: Set(oddity.kind.as_str().to_owned()),
        session_id: Set(oddity.session_id),
        about: Set(oddity.about.clone()),
        student_ids: Set(serde_json::to_string(&students).map_err(|error| DbErr::Json(error.to_string()))?),
        detail: Set(oddity.detail.clone()),
        raised_at: Set(now),
        verdict: Set(None),
        note: Set(None),
        reviewed_by: Set(None),
        reviewed_at: Set(None),
        version: Set(1),
    };
    let length = |table: &'static str| Func::char_length(Expr::col((table, Column::StudentIds)));
    let mut grown = OnConflict::columns([Column::SessionId, Column::Kind, Column::About]);
    grown
        .update_columns([Column::StudentIds, Column::Detail])
        .value(Column::Version, Expr::col((Entity, Column::Version)).add(1))
        .action_and_where(Expr::expr(length("excluded")).gt(length("flag")))
        .action_and_where(Expr::col((Entity, Column::ReviewedAt)).is_null());
    let kept = Entity::insert_many([row])
        .on_conflict(grown)
        .exec_with_returning(&**txn)
        .await?;
    kept.into_iter().next().map(flag).transpose()
}

/// One page of flags, the latest first, and how many there are in all.
pub(crate) async fn list(db: &impl ConnectionTrait, filter: Filter, paging: Paging) -> Result<(Vec<Flag>, u64), Error> {
    let mut flags = Entity::find();
    if let Some(kind) = filter.kind {
        flags = flags.filter(Column::Kind.eq(kind.as_str()));
    }
    if let Some(session) = filter.session {
        flags = flags.filter(Column::SessionId.eq(session));
    }
    if let Some(reviewed) = filter.reviewed {
        flags = flags.filter(if reviewed {
            Column::ReviewedAt.is_not_null()
        } else {
            Column::ReviewedAt.is_null()
        });
    }
    let total = flags.clone().count(db).await?;
    let rows = flags.order_by_desc(Column::RaisedAt).order_by_desc(Column::Id);
    let rows = rows.offset(paging.offset()).limit(paging.limit()).all(db).await?;
    let flags = rows.into_iter().map(flag).collect::<Result<_, _>>()?;
    Ok((flags, total))
}

pub(crate) async fn find(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Flag>, Error> {
    Entity::find_by_id(id).one(db).await?.map(flag).transpose()
}

/// Keeps what somebody said of a flag; `None` where somebody said so before.
pub(crate) async fn review_in_txn(txn: &Txn, id: Uuid, review: &FlagReview) -> Result<Option<Flag>, Error> {
    let changed = Entity::update_many()
        .col_expr(Column::Verdict, Expr::val(review.verdict.as_str()))
        .col_expr(Column::Note, Expr::val(review.note.clone()))
        .col_expr(Column::ReviewedBy, Expr::val(review.by))
        .col_expr(Column::ReviewedAt, Expr::val(review.at))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .filter(Column::Id.eq(id))
        .filter(Column::ReviewedAt.is_null())
        .exec_with_returning(&**txn)
        .await?;
    changed.into_iter().next().map(flag).transpose()
}

/// A roll call in which somebody tried.
#[derive(FromQueryResult)]
pub(crate) struct Tried {
    id: Uuid,
    day: NaiveDate,
}

/// Roll calls that began lately and in which somebody tried since then.
pub(crate) async fn sessions_tried_since(
    db: &impl ConnectionTrait,
    begun_after: DateTime<Utc>,
    since: DateTime<Utc>,
) -> Result<Vec<Tried>, DbErr> {
    let sql = format!(
        "SELECT session.id, session.day FROM session WHERE session.valid_from >= $1 AND EXISTS (SELECT 1 FROM scan \
         WHERE scan.session_id = session.id AND scan.day = session.day AND scan.received_at >= $2) \
         ORDER BY session.valid_from LIMIT {MOST_SESSIONS}"
    );
    let values = [begun_after.into(), since.into()];
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    Tried::find_by_statement(statement).all(db).await
}

#[derive(FromQueryResult)]
struct Try {
    id: Uuid,
    session_id: Uuid,
    student_id: Uuid,
    scanned_at: DateTime<Utc>,
    received_at: DateTime<Utc>,
    latitude: Option<f64>,
    longitude: Option<f64>,
    accuracy_meters: Option<f64>,
    device_id: Option<Uuid>,
    device_counter: Option<i64>,
    token_counter: Option<i64>,
    code: Option<String>,
}

const TRY: &str = "SELECT id, session_id, student_id, scanned_at, received_at, latitude, longitude, accuracy_meters, \
    device_id, device_counter, token_counter, code FROM scan";

/// The tries of a roll call.
pub(crate) async fn tries_of_session(db: &impl ConnectionTrait, of: &Tried) -> Result<Vec<Sighting>, DbErr> {
    let sql = format!("{TRY} WHERE session_id = $1 AND day = $2 ORDER BY received_at DESC LIMIT {MOST_TRIES}");
    tries(db, sql, vec![of.id.into(), of.day.into()]).await
}

/// What these students tried since then, in roll calls of whatever day: also old codes are sent.
pub(crate) async fn tries_of_students(
    db: &impl ConnectionTrait,
    students: &[Uuid],
    since: DateTime<Utc>,
) -> Result<Vec<Sighting>, DbErr> {
    let of_one = format!("{TRY} WHERE session_id IS NOT NULL AND received_at >= $1 AND student_id");
    let latest = format!("ORDER BY received_at DESC LIMIT {MOST_TRIES}");
    let mut found = Vec::new();
    for some in students.chunks(IDS_A_STATEMENT) {
        let ids = places(1, some.len());
        let sql = match db.get_database_backend() {
            // One after the other by the index: what PostgreSQL knows of a month that has just begun would make it read all of it.
            DbBackend::Postgres => format!(
                "SELECT tries.* FROM unnest(ARRAY[{ids}]) AS asked (id) CROSS JOIN LATERAL \
                 ({of_one} = asked.id {latest}) AS tries {latest}"
            ),
            _ => format!("{of_one} IN ({ids}) {latest}"),
        };
        let ids = some.iter().map(|id| Value::from(*id));
        let values = std::iter::once(since.into()).chain(ids);
        found.append(&mut tries(db, sql, values.collect()).await?);
    }
    Ok(found)
}

async fn tries(db: &impl ConnectionTrait, sql: String, values: Vec<Value>) -> Result<Vec<Sighting>, DbErr> {
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    let rows = Try::find_by_statement(statement).all(db).await?;
    let sighting = |row: Try| Sighting {
        id: row.id,
        session_id: row.session_id,
        student_id: row.student_id,
        scanned_at: row.scanned_at,
        received_at: row.received_at,
        place: row.latitude.zip(row.longitude),
        accuracy_meters: row.accuracy_meters,
        device: row.device_id,
        counter: row.device_counter.and_then(|counter| u64::try_from(counter).ok()),
        slot: row.token_counter,
        code: row.code,
    };
    Ok(rows.into_iter().map(sighting).collect())
}

fn flag(row: Model) -> Result<Flag, Error> {
    let wrong = |what| Error::Inconsistent {
        table: "flag",
        row: row.id,
        what,
    };
    let review = match (row.reviewed_at, row.reviewed_by) {
        (None, _) => None,
        (Some(at), by) => {
            let verdict = row.verdict.as_deref().and_then(Verdict::parse);
            Some(FlagReview {
                verdict: verdict.ok_or_else(|| wrong("verdict"))?,
                note: row.note.clone(),
                by: by.ok_or_else(|| wrong("reviewed_by"))?,
                at,
            })
        }
    };
    Ok(Flag {
        id: row.id,
        kind: OddityKind::parse(&row.kind).ok_or_else(|| wrong("kind"))?,
        session_id: row.session_id,
        students: serde_json::from_str(&row.student_ids).map_err(|_| wrong("student_ids"))?,
        detail: row.detail.clone(),
        raised_at: row.raised_at,
        review,
        version: row.version,
    })
}
