//! What is counted of the tickets that a caller may see.

use chrono::{DateTime, Duration, Utc};
use kit::access::Caller;
use sea_orm::{
    ColumnTrait as _, Condition, DbErr, FromQueryResult, PaginatorTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, Select,
    sea_query::{Expr, ExprTrait as _, Func, SimpleExpr},
};
use uuid::Uuid;

use super::{
    super::entity::ticket::{Column, Entity},
    visible_to,
};
use crate::{
    domain::{Ages, Status},
    operations::App,
};

#[derive(FromQueryResult)]
struct OpenRow {
    category: String,
    up_to_1_day: i64,
    up_to_3_days: i64,
    up_to_7_days: i64,
    older: i64,
}

#[derive(FromQueryResult)]
struct RoomRow {
    block: String,
    room_no: String,
    category: String,
    count: i64,
}

/// When what happened to a ticket, as far as it is counted.
#[derive(Clone, Debug, FromQueryResult)]
pub(crate) struct Times {
    pub id: Uuid,
    pub created_at: DateTime<Utc>,
    pub clock_from: DateTime<Utc>,
    pub first_response_at: Option<DateTime<Utc>>,
    pub resolved_at: Option<DateTime<Utc>>,
}

/// Those that are not resolved, by category and by how long ago they were raised.
pub(crate) async fn open(app: &App, caller: &Caller) -> Result<Vec<(String, Ages)>, DbErr> {
    let days = |days| app.clock.now() - Duration::days(days);
    let since = |at: DateTime<Utc>| Column::CreatedAt.gt(at);
    let between = |from: DateTime<Utc>, to: DateTime<Utc>| Condition::all().add(since(from)).add(since(to).not());
    let unfinished = [Status::Open, Status::InProgress, Status::Waiting].map(Status::as_str);
    let rows = visible_to(caller, &app.named)
        .select_only()
        .column(Column::Category)
        .column_as(how_many(Condition::all().add(since(days(1)))), "up_to_1_day")
        .column_as(how_many(between(days(3), days(1))), "up_to_3_days")
        .column_as(how_many(between(days(7), days(3))), "up_to_7_days")
        .column_as(how_many(Condition::all().add(since(days(7)).not())), "older")
        .filter(Column::Status.is_in(unfinished))
        .group_by(Column::Category)
        .order_by_asc(Column::Category)
        .into_model::<OpenRow>()
        .all(app.db.reader())
        .await?;
    let ages = |row: OpenRow| {
        let ages = Ages {
            up_to_1_day: count(row.up_to_1_day),
            up_to_3_days: count(row.up_to_3_days),
            up_to_7_days: count(row.up_to_7_days),
            older: count(row.older),
        };
        (row.category, ages)
    };
    Ok(rows.into_iter().map(ages).collect())
}

/// Those past due now.
pub(crate) async fn overdue(app: &App, caller: &Caller) -> Result<u64, DbErr> {
    visible_to(caller, &app.named)
        .filter(Column::DueAt.lt(app.clock.now()))
        .count(app.db.reader())
        .await
}

/// How much was raised from each room since then, by category. What is the same as another one counts once.
pub(crate) async fn rooms(
    app: &App,
    caller: &Caller,
    since: DateTime<Utc>,
) -> Result<Vec<((String, String), String, u64)>, DbErr> {
    let rows = visible_to(caller, &app.named)
        .select_only()
        .columns([Column::Block, Column::RoomNo, Column::Category])
        .column_as(Column::Id.count(), "count")
        .filter(Column::CreatedAt.gte(since))
        .filter(Column::Status.ne(Status::Merged.as_str()))
        .filter(Column::Block.is_not_null())
        .filter(Column::RoomNo.is_not_null())
        .group_by(Column::Block)
        .group_by(Column::RoomNo)
        .group_by(Column::Category)
        .into_model::<RoomRow>()
        .all(app.db.reader())
        .await?;
    let room = |row: RoomRow| ((row.block, row.room_no), row.category, count(row.count));
    Ok(rows.into_iter().map(room).collect())
}

/// The times of what was raised in a time, the next ones after one; fewer than `most` where there are no more.
pub(crate) async fn times(
    app: &App,
    caller: &Caller,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    after: Option<(DateTime<Utc>, Uuid)>,
    most: u64,
) -> Result<Vec<Times>, DbErr> {
    let later = after.map(|(at, id)| {
        let same = Condition::all().add(Column::CreatedAt.eq(at)).add(Column::Id.gt(id));
        Condition::any().add(Column::CreatedAt.gt(at)).add(same)
    });
    let found: Select<Entity> = visible_to(caller, &app.named)
        .filter(Column::CreatedAt.gte(from))
        .filter(Column::CreatedAt.lt(to))
        .filter(Condition::all().add_option(later));
    found
        .select_only()
        .columns([
            Column::Id,
            Column::CreatedAt,
            Column::ClockFrom,
            Column::FirstResponseAt,
            Column::ResolvedAt,
        ])
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::Id)
        .limit(most)
        .into_model::<Times>()
        .all(app.db.reader())
        .await
}

fn how_many(wanted: Condition) -> SimpleExpr {
    Func::sum(Expr::case(wanted, 1).finally(0)).into()
}

/// A database counts with a sign.
fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
