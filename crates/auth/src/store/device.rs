//! Queries on the devices that somebody was seen on.

use chrono::{DateTime, Utc};
use kit::db::Txn;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
    sea_query::{Expr, ExprTrait as _, OnConflict},
};
use uuid::Uuid;

use super::entity::device::{ActiveModel, Column, Entity};

pub(crate) async fn is_known(db: &impl ConnectionTrait, user_id: Uuid, fingerprint: &str) -> Result<bool, DbErr> {
    let found = Entity::find_by_id((user_id, fingerprint.to_owned())).count(db).await?;
    Ok(found > 0)
}

/// When a user was first and last seen on each device, the last of them first.
pub(crate) async fn last(
    db: &impl ConnectionTrait,
    user_id: Uuid,
    most: u64,
) -> Result<Vec<(DateTime<Utc>, DateTime<Utc>)>, DbErr> {
    Entity::find()
        .select_only()
        .column(Column::FirstSeenAt)
        .column(Column::LastSeenAt)
        .filter(Column::UserId.eq(user_id))
        .order_by_desc(Column::LastSeenAt)
        .limit(most)
        .into_tuple()
        .all(db)
        .await
}

/// Remembers a device; whether it was never seen before.
pub(crate) async fn seen_in_txn(txn: &Txn, user_id: Uuid, fingerprint: &str, at: DateTime<Utc>) -> Result<bool, DbErr> {
    let row = ActiveModel {
        user_id: Set(user_id),
        fingerprint: Set(fingerprint.to_owned()),
        first_seen_at: Set(at),
        last_seen_at: Set(at),
        failed_while_locked: Set(0),
    };
    let known = OnConflict::columns([Column::UserId, Column::Fingerprint])
        .do_nothing()
        .to_owned();
    let inserted = Entity::insert(row)
        .on_conflict(known)
        .exec_without_returning(&**txn)
        .await?;
    if inserted > 0 {
        return Ok(true);
    }
    Entity::update_many()
        .col_expr(Column::LastSeenAt, Expr::val(at))
        .col_expr(Column::FailedWhileLocked, Expr::val(0))
        .filter(Column::UserId.eq(user_id))
        .filter(Column::Fingerprint.eq(fingerprint))
        .exec(&**txn)
        .await?;
    Ok(false)
}

/// Counts a failure on a device while the account is locked. The `most`-th one makes the device unknown again.
pub(crate) async fn failed_while_locked_in_txn(
    txn: &Txn,
    user_id: Uuid,
    fingerprint: &str,
    most: i32,
) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::FailedWhileLocked, Expr::col(Column::FailedWhileLocked).add(1))
        .filter(Column::UserId.eq(user_id))
        .filter(Column::Fingerprint.eq(fingerprint))
        .exec(&**txn)
        .await?;
    Entity::delete_by_id((user_id, fingerprint.to_owned()))
        .filter(Column::FailedWhileLocked.gte(most))
        .exec(&**txn)
        .await
        .map(drop)
}
