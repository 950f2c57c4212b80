//! Queries on one-time codes: one row a user, and never the code itself.

use chrono::{DateTime, Utc};
use kit::db::Txn;
use sea_orm::{
    ActiveModelTrait as _,
    ActiveValue::Set,
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, PaginatorTrait as _, QueryFilter,
    sea_query::{Expr, ExprTrait as _},
};
use uuid::Uuid;

use super::entity::one_time_code::{ActiveModel, Column, Entity, Model};
use crate::{
    Error,
    domain::code::{LIFE, MOST_SENT, Purpose, SENT_WITHIN, Sealed, TRIES},
};

/// Puts a code in place of any earlier one; `false`, and all stays, when the user was sent too many lately. The caller holds
/// the account's row, so that two codes at once come one after the other.
pub(crate) async fn replace_in_txn(
    txn: &Txn,
    user_id: Uuid,
    sealed: &Sealed,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let earlier = Entity::find_by_id(user_id).one(&**txn).await?;
    let (sent, sent_since) = earlier
        .filter(|row| row.sent_since > now - SENT_WITHIN)
        .map_or((0, now), |row| (row.sent, row.sent_since));
    if sent >= MOST_SENT {
        return Ok(false);
    }
    Entity::delete_by_id(user_id).exec(&**txn).await?;
    let row = ActiveModel {
        user_id: Set(user_id),
        purpose: Set(sealed.purpose.name().to_owned()),
        salt: Set(sealed.salt.clone()),
        hash: Set(sealed.hash.clone()),
        tries_left: Set(TRIES),
        created_at: Set(now),
        expires_at: Set(now + LIFE),
        sent: Set(sent + 1),
        sent_since: Set(sent_since),
    };
    row.insert(&**txn).await?;
    Ok(true)
}

/// Whether a user has a code that can be guessed at.
pub(crate) async fn is_live(db: &impl ConnectionTrait, user_id: Uuid, now: DateTime<Utc>) -> Result<bool, DbErr> {
    Ok(live(Entity::find_by_id(user_id), now).count(db).await? > 0)
}

/// Takes one of the tries of a user's code, before anybody looks at it. It counts when the transaction commits.
pub(crate) async fn take_try_in_txn(txn: &Txn, user_id: Uuid, now: DateTime<Utc>) -> Result<Option<Sealed>, Error> {
    let taking = Entity::update_many()
        .col_expr(Column::TriesLeft, Expr::col(Column::TriesLeft).sub(1))
        .filter(Column::UserId.eq(user_id));
    let taken = live(taking, now).exec_with_returning(&**txn).await?;
    taken.into_iter().next().map(from_row).transpose()
}

fn live<Q: QueryFilter>(codes: Q, now: DateTime<Utc>) -> Q {
    codes.filter(Column::TriesLeft.gt(0)).filter(Column::ExpiresAt.gt(now))
}

/// Ends a code with its use; `false` when it was used, or replaced, before.
pub(crate) async fn use_up_in_txn(txn: &Txn, user_id: Uuid, sealed: &Sealed) -> Result<bool, DbErr> {
    let deleted = Entity::delete_many()
        .filter(Column::UserId.eq(user_id))
        .filter(Column::Hash.eq(&sealed.hash))
        .exec(&**txn)
        .await?;
    Ok(deleted.rows_affected == 1)
}

fn from_row(row: Model) -> Result<Sealed, Error> {
    let purpose = Purpose::from_name(&row.purpose).ok_or_else(|| Error::Inconsistent {
        table: "one_time_code",
        row: row.user_id.to_string(),
        what: "unknown purpose",
    })?;
    Ok(Sealed {
        purpose,
        salt: row.salt,
        hash: row.hash,
    })
}
