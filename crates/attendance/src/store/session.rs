//! Roll calls.

pub(crate) mod counts;
pub(crate) mod life;
pub(crate) mod list;

use chrono::{DateTime, NaiveDate, Utc};
use kit::{
    Db,
    access::{Caller, Identity},
    db::{Txn, unique_violation},
};
use proto::options::Role;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, ExprTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _, Select, sea_query::Expr,
};
use uuid::Uuid;

use super::entity::session::{ActiveModel, Column, Entity, Model};
use crate::{
    Error,
    domain::{Closed, Closing, Handle, Place, Requirement, Session, SessionState},
};

/// Keeps a new roll call; a rival of the same block and year is a refusal.
pub(crate) async fn insert_in_txn(txn: &Txn, session: &Session) -> Result<(), DbErr> {
    let row = ActiveModel {
        id: Set(session.id),
        handle: Set(session.handle.to_vec()),
        block: Set(session.block.clone()),
        block_folded: Set(session.block_folded.clone()),
        year: Set(session.year.into()),
        day: Set(session.day),
        valid_from: Set(session.valid_from),
        valid_until: Set(session.valid_until),
        rotate_seconds: Set(i32::try_from(session.rotate_seconds).unwrap_or(i32::MAX)),
        radius_meters: Set(session.radius_meters),
        require: Set(serde_json::to_string(&session.require).map_err(|error| DbErr::Json(error.to_string()))?),
        latitude: Set(session.place.map(|place| place.latitude)),
        longitude: Set(session.place.map(|place| place.longitude)),
        accuracy_meters: Set(session.place.map(|place| place.accuracy_meters)),
        opened_by: Set(session.opened_by),
        closed_at: Set(None),
        closed_by: Set(None),
        settles_at: Set(None),
        settled_at: Set(None),
        version: Set(session.version),
        changed_at: Set(session.valid_from),
    };
    Entity::insert(row).exec_without_returning(&**txn).await?;
    Ok(())
}

/// Whether an error says that the block and year have an open roll call already.
pub(crate) fn is_rival(error: &DbErr) -> bool {
    unique_violation(error).is_some_and(|text| text.contains("session_one_open") || text.contains("block_folded"))
}

/// What a caller may see; every read for a caller starts here. Guards and wardens see every roll call, services too.
pub(crate) fn visible_to(caller: &Caller) -> Select<Entity> {
    let all = Entity::find();
    match &caller.identity {
        Identity::User {
            role: Role::Guard | Role::Warden,
            ..
        }
        | Identity::Service { .. } => all,
        Identity::User { .. } | Identity::Nobody => all.filter(Expr::val(false)),
    }
}

/// A roll call whose students a caller may see by name: of guards the one who opened it.
pub(crate) async fn find_led(db: &impl ConnectionTrait, caller: &Caller, id: Uuid) -> Result<Option<Session>, Error> {
    let mut led = visible_to(caller).filter(Column::Id.eq(id));
    if let Identity::User {
        id: guard,
        role: Role::Guard,
        ..
    } = caller.identity
    {
        led = led.filter(Column::OpenedBy.eq(guard));
    }
    led.one(db).await?.map(session).transpose()
}

/// The open roll call of a block and year.
pub(crate) async fn open_of(db: &impl ConnectionTrait, block_folded: &str, year: u8) -> Result<Option<Session>, Error> {
    let row = Entity::find()
        .filter(Column::BlockFolded.eq(block_folded))
        .filter(Column::Year.eq(i16::from(year)))
        .filter(Column::ClosedAt.is_null())
        .one(db)
        .await?;
    row.map(session).transpose()
}

/// A roll call, by id.
pub(crate) async fn find(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Session>, Error> {
    Entity::find_by_id(id).one(db).await?.map(session).transpose()
}

/// A roll call, by what its codes name it.
pub(crate) async fn find_by_handle(db: &Db, handle: Handle) -> Result<Option<Session>, Error> {
    let row = Entity::find()
        .filter(Column::Handle.eq(handle.to_vec()))
        .one(db.reader())
        .await?;
    row.map(session).transpose()
}

/// Counts a change of a roll call, which is told with its new version; `None` where there is no such roll call. Whoever else
/// changes it waits until this transaction ends.
pub(crate) async fn touch_in_txn(txn: &Txn, id: Uuid, now: DateTime<Utc>) -> Result<Option<Session>, Error> {
    let touched = touch_all_in_txn(txn, &[id], now).await?;
    Ok(touched.into_iter().next())
}

/// The same for several, whose rows the caller holds already, or which are one.
pub(crate) async fn touch_all_in_txn(txn: &Txn, ids: &[Uuid], now: DateTime<Utc>) -> Result<Vec<Session>, Error> {
    let rows = Entity::update_many()
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .col_expr(Column::ChangedAt, Expr::val(now))
        .filter(Column::Id.is_in(ids.iter().copied()))
        .exec_with_returning(&**txn)
        .await?;
    rows.into_iter().map(session).collect()
}

/// The roll calls of some days that a student has a mark in, or whose block and year is theirs now; held, in the order of their
/// ids, until the transaction ends.
pub(crate) async fn of_student_in_txn(
    txn: &Txn,
    student: (Uuid, Option<(&str, u8)>),
    (from, to): (NaiveDate, NaiveDate),
) -> Result<Vec<Session>, Error> {
    let (student, belongs) = student;
    let marked = super::mark::sessions_of(student, from, to);
    let mut whose = Condition::any().add(Column::Id.in_subquery(marked));
    if let Some((block_folded, year)) = belongs {
        let theirs = Column::BlockFolded.eq(block_folded);
        whose = whose.add(theirs.and(Column::Year.eq(i16::from(year))));
    }
    let rows = Entity::find()
        .filter(Column::Day.between(from, to))
        .filter(whose)
        .order_by_asc(Column::Id)
        .lock_exclusive()
        .all(&**txn)
        .await?;
    rows.into_iter().map(session).collect()
}

pub(super) fn session(row: Model) -> Result<Session, Error> {
    let wrong = |what| Error::Inconsistent {
        table: "session",
        row: row.id,
        what,
    };
    let require: Requirement = serde_json::from_str(&row.require).map_err(|_| wrong("require"))?;
    let place = match (row.latitude, row.longitude) {
        (Some(latitude), Some(longitude)) => Some(Place {
            latitude,
            longitude,
            accuracy_meters: row.accuracy_meters.unwrap_or_default(),
        }),
        _ => None,
    };
    let state = match (row.closed_at, row.settled_at) {
        (None, _) => SessionState::Open,
        (Some(at), settled) => {
            let by = row.closed_by.as_deref().and_then(Closing::parse);
            let by = by.ok_or_else(|| wrong("closed_by"))?;

            let settles_at = row.settles_at.ok_or_else(|| wrong("settles_at"))?;
            let closed = Closed { at, by, settles_at };
            match settled {
                None => SessionState::Closed(closed),
                Some(_) => SessionState::Settled(closed),
            }
        }
    };
    Ok(Session {
        id: row.id,
        handle: row.handle.as_slice().try_into().map_err(|_| wrong("handle"))?,
        block: row.block,
        block_folded: row.block_folded,
        year: u8::try_from(row.year).map_err(|_| wrong("year"))?,
        day: row.day,
        valid_from: row.valid_from,
        valid_until: row.valid_until,
        rotate_seconds: u32::try_from(row.rotate_seconds).map_err(|_| wrong("rotate_seconds"))?,
        radius_meters: row.radius_meters,
        require,
        place,
        opened_by: row.opened_by,
        state,
        version: row.version,
    })
}
