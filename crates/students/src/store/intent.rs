//! Records whose account was reserved in auth and that are not committed yet.
//!
//! An intent is committed before auth is asked. Whoever commits the record deletes it in the same transaction; whoever gives
//! up marks it as abandoned, after which the record can no longer be committed. So exactly one of the two happens.

use chrono::{DateTime, Utc};
use kit::db::{self, Txn};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait as _, Condition, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    sea_query::{Expr, LockBehavior, LockType},
};
use uuid::Uuid;

use super::entity::account_intent::{ActiveModel, Column, Entity, Model};
use crate::Error;

/// What is about to be reserved for a record. A student has one at a time.
#[derive(Clone, Debug)]
pub(crate) struct Intent {
    pub id: Uuid,
    pub student_id: Uuid,
    /// Of a request that must not run twice at once.
    pub request_key: Option<String>,
    pub begun_at: DateTime<Utc>,
}

/// Writes down what is about to be reserved, all of it or nothing.
pub(crate) async fn add_in_txn(txn: &Txn, intents: &[Intent]) -> Result<(), Error> {
    if intents.is_empty() {
        return Ok(());
    }
    let rows = intents.iter().map(|intent| ActiveModel {
        id: Set(intent.id),
        student_id: Set(intent.student_id),
        request_key: Set(intent.request_key.clone()),
        begun_at: Set(intent.begun_at),
        abandoned_at: Set(None),
    });
    match Entity::insert_many(rows).exec_without_returning(&**txn).await {
        Ok(_) => Ok(()),
        Err(error) if db::unique_violation(&error).is_some() => Err(Error::StillAtWork),
        Err(error) => Err(error.into()),
    }
}

/// Ends intents whose records are committed in this transaction; refused when one of them was abandoned meanwhile.
pub(crate) async fn complete_in_txn(txn: &Txn, ids: &[Uuid]) -> Result<(), Error> {
    let deleted = Entity::delete_many()
        .filter(Column::Id.is_in(ids.iter().copied()))
        .filter(Column::AbandonedAt.is_null())
        .exec(&**txn)
        .await?;
    if usize::try_from(deleted.rows_affected) != Ok(ids.len()) {
        return Err(Error::TooSlow);
    }
    Ok(())
}

/// Gives up on intents: their records can no longer be committed, and their requests may come again. Those that this was
/// still true for are told; the others were completed, or abandoned by somebody else.
pub(crate) async fn abandon_in_txn(txn: &Txn, ids: &[Uuid], now: DateTime<Utc>) -> Result<Vec<Intent>, DbErr> {
    let abandoned = Entity::update_many()
        .col_expr(Column::AbandonedAt, Expr::val(now))
        .col_expr(Column::RequestKey, Expr::val(Option::<String>::None))
        .filter(Column::Id.is_in(ids.iter().copied()))
        .filter(Column::AbandonedAt.is_null())
        .exec_with_returning(&**txn)
        .await?;
    Ok(abandoned.into_iter().map(from_row).collect())
}

/// Gives up on at most `limit` intents that began before `begun`, the oldest first, and takes over those that somebody gave up
/// on before `abandoned` and did not see through.
pub(crate) async fn claim_in_txn(
    txn: &Txn,
    (begun, abandoned): (DateTime<Utc>, DateTime<Utc>),
    now: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<Intent>, DbErr> {
    let free = Condition::any()
        .add(Column::AbandonedAt.is_null())
        .add(Column::AbandonedAt.lt(abandoned));
    // SQLite has one writer at a time and leaves the lock out.
    let due: Vec<Uuid> = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::BegunAt.lt(begun))
        .filter(free)
        .order_by_asc(Column::BegunAt)
        .limit(limit)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .into_tuple()
        .all(&**txn)
        .await?;
    if due.is_empty() {
        return Ok(Vec::new());
    }
    let claimed = Entity::update_many()
        .col_expr(Column::AbandonedAt, Expr::val(now))
        .col_expr(Column::RequestKey, Expr::val(Option::<String>::None))
        .filter(Column::Id.is_in(due))
        .exec_with_returning(&**txn)
        .await?;
    Ok(claimed.into_iter().map(from_row).collect())
}

/// Forgets intents that were abandoned and whose accounts agree with what records there are.
pub(crate) async fn delete_in_txn(txn: &Txn, ids: &[Uuid]) -> Result<(), DbErr> {
    let abandoned = Entity::delete_many().filter(Column::Id.is_in(ids.iter().copied()));
    abandoned.filter(Column::AbandonedAt.is_not_null()).exec(&**txn).await?;
    Ok(())
}

fn from_row(row: Model) -> Intent {
    Intent {
        id: row.id,
        student_id: row.student_id,
        request_key: row.request_key,
        begun_at: row.begun_at,
    }
}
