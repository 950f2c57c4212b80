//! Queries on what is remembered of signing in: the last time, failures in a row, wrong codes, locks.

use chrono::{DateTime, Utc};
use kit::db::Txn;
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QuerySelect as _,
    sea_query::{Expr, ExprTrait as _, LockType},
};
use uuid::Uuid;

use super::{
    entity::user::{Column, Entity},
    user::from_row,
};
use crate::{
    Error,
    domain::{
        User,
        code::{MOST_WRONG, WRONG_WITHIN},
    },
};

/// A row of failed sign-ins as it stands after one more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failures {
    pub version: i64,
    pub count: u32,
    pub locked_until: Option<DateTime<Utc>>,
}

/// What somebody who signs in proved, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Proof<'a> {
    /// The password behind this hash, just now.
    Password(&'a str),
    /// The password that the account had when the second step began.
    PasswordAt(DateTime<Utc>),
}

impl From<Proof<'_>> for Condition {
    fn from(proof: Proof<'_>) -> Self {
        match proof {
            Proof::Password(hash) => Self::all().add(Column::PasswordHash.eq(hash)),
            Proof::PasswordAt(at) => Self::any()
                .add(Column::PasswordChangedAt.is_null())
                .add(Column::PasswordChangedAt.lte(at)),
        }
    }
}

/// Records a sign-in, which ends a row of failures; the account as it is now, or `None` when it is deactivated or what was
/// proved is its password no more. Whoever changes a password or a role ends sessions after writing this row: either they
/// come first and are seen here, or the session of this sign-in is among those that they end.
pub(crate) async fn record_login_in_txn(
    txn: &Txn,
    id: Uuid,
    proof: Proof<'_>,
    at: DateTime<Utc>,
) -> Result<Option<User>, Error> {
    let changed = Entity::update_many()
        .col_expr(Column::LastLoginAt, Expr::val(at))
        .col_expr(Column::Failures, Expr::val(0))
        .col_expr(Column::LockedUntil, Expr::val(Option::<DateTime<Utc>>::None))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .filter(Column::Id.eq(id))
        .filter(Column::IsActive.eq(true))
        .filter(Condition::from(proof))
        .exec_with_returning(&**txn)
        .await?;
    changed.into_iter().next().map(from_row).transpose()
}

/// Whether a hash is still that of the account's password, and the account active; it stays so until the transaction ends.
pub(crate) async fn hold_password_in_txn(txn: &Txn, id: Uuid, hash: &str) -> Result<bool, DbErr> {
    let row = Entity::find_by_id(id)
        .filter(Column::IsActive.eq(true))
        .filter(Column::PasswordHash.eq(hash))
        .select_only()
        .column(Column::Id);
    let held = row.lock(LockType::NoKeyUpdate).into_tuple::<Uuid>();
    Ok(held.one(&**txn).await?.is_some())
}

/// Until when an account is locked, where it was.
pub(crate) async fn locked_until(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<DateTime<Utc>>, DbErr> {
    let found = Entity::find_by_id(id).select_only().column(Column::LockedUntil);
    let until = found.into_tuple::<Option<DateTime<Utc>>>().one(db).await?;
    Ok(until.flatten())
}

/// Counts a failed sign-in; `None` where nobody has this id.
pub(crate) async fn record_failure_in_txn(txn: &Txn, id: Uuid) -> Result<Option<Failures>, Error> {
    let changed = Entity::update_many()
        .col_expr(Column::Failures, Expr::col(Column::Failures).add(1))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .filter(Column::Id.eq(id))
        .exec_with_returning(&**txn)
        .await?;
    Ok(changed.into_iter().next().map(|row| Failures {
        version: row.version,
        count: u32::try_from(row.failures).unwrap_or_default(),
        locked_until: row.locked_until,
    }))
}

/// Counts a one-time code that may turn out wrong; `false` when there were too many lately, and none may be looked at. Holds
/// the account's row.
pub(crate) async fn count_guess_in_txn(txn: &Txn, id: Uuid, now: DateTime<Utc>) -> Result<bool, DbErr> {
    let is_over = Condition::any()
        .add(Column::WrongCodesSince.is_null())
        .add(Column::WrongCodesSince.lte(now - WRONG_WITHIN));
    Entity::update_many()
        .col_expr(Column::WrongCodes, Expr::val(0))
        .col_expr(Column::WrongCodesSince, Expr::val(now))
        .filter(Column::Id.eq(id))
        .filter(is_over)
        .exec(&**txn)
        .await?;
    let counted = Entity::update_many()
        .col_expr(Column::WrongCodes, Expr::col(Column::WrongCodes).add(1))
        .filter(Column::Id.eq(id))
        .filter(Column::WrongCodes.lt(MOST_WRONG))
        .exec(&**txn)
        .await?;
    Ok(counted.rows_affected == 1)
}

/// Keeps a password under another hash. What others see, and when the password was set, stays; nothing happens when another
/// one was set meanwhile.
pub(crate) async fn rehash_in_txn(txn: &Txn, id: Uuid, before: &str, hash: &str) -> Result<bool, DbErr> {
    let changed = Entity::update_many()
        .col_expr(Column::PasswordHash, Expr::val(hash))
        .filter(Column::Id.eq(id))
        .filter(Column::PasswordHash.eq(before))
        .exec(&**txn)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Locks an account for a while; its new version.
pub(crate) async fn lock_account_in_txn(txn: &Txn, id: Uuid, until: DateTime<Utc>) -> Result<i64, Error> {
    let changed = Entity::update_many()
        .col_expr(Column::LockedUntil, Expr::val(until))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .filter(Column::Id.eq(id))
        .exec_with_returning(&**txn)
        .await?;
    let version = changed.into_iter().next().map(|row| row.version);
    version.ok_or(Error::UnknownUser)
}
