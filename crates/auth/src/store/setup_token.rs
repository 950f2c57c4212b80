//! Queries on the token of the set-up link: at most one, and only its hash.

use chrono::{DateTime, Utc};
use kit::db::Txn;
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _,
    PaginatorTrait as _, QueryFilter as _,
};

use super::entity::setup_token::{ActiveModel, Column, Entity};

/// Keeps a new token in place of any other.
pub(crate) async fn replace_in_txn(txn: &Txn, hash: String, expires_at: DateTime<Utc>) -> Result<(), DbErr> {
    Entity::delete_many().exec(&**txn).await?;
    let row = ActiveModel {
        hash: Set(hash),
        expires_at: Set(expires_at),
    };
    row.insert(&**txn).await.map(drop)
}

/// Whether the token is good now.
pub(crate) async fn is_good(db: &impl ConnectionTrait, hash: &str, now: DateTime<Utc>) -> Result<bool, DbErr> {
    let found = Entity::find_by_id(hash)
        .filter(Column::ExpiresAt.gt(now))
        .count(db)
        .await?;
    Ok(found > 0)
}

/// Uses the token up; whether it was good. Of two who try at once the database lets one.
pub(crate) async fn spend_in_txn(txn: &Txn, hash: &str, now: DateTime<Utc>) -> Result<bool, DbErr> {
    let spent = Entity::delete_many()
        .filter(Column::Hash.eq(hash))
        .filter(Column::ExpiresAt.gt(now))
        .exec(&**txn)
        .await?;
    Ok(spent.rows_affected == 1)
}
