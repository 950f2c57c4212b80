//! Queries on the passwords that a user had: hashes of the last few, the present one included.

use chrono::{DateTime, Utc};
use kit::db::Txn;
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _, Select, sea_query::Expr,
};
use uuid::Uuid;

use super::entity::password_history::{ActiveModel, Column, Entity};
use crate::domain::password::REMEMBERED;

/// A password that was just set.
#[derive(Debug)]
pub(crate) struct Remembered {
    pub id: Uuid,
    pub user_id: Uuid,
    pub hash: String,
    pub set_at: DateTime<Utc>,
}

/// The hashes of a user's last passwords.
pub(crate) async fn last(db: &impl ConnectionTrait, user_id: Uuid) -> Result<Vec<String>, DbErr> {
    let rows = newest_first(user_id).limit(REMEMBERED as u64).all(db).await?;
    Ok(rows.into_iter().map(|row| row.hash).collect())
}

/// Remembers a password, and forgets those that are too long ago to matter.
pub(crate) async fn add_in_txn(txn: &Txn, new: Remembered) -> Result<(), DbErr> {
    let user_id = new.user_id;
    active_model(new).insert(&**txn).await?;
    let rows = newest_first(user_id).all(&**txn).await?;
    let too_old: Vec<Uuid> = rows.into_iter().skip(REMEMBERED).map(|row| row.id).collect();
    if !too_old.is_empty() {
        Entity::delete_many()
            .filter(Column::Id.is_in(too_old))
            .exec(&**txn)
            .await?;
    }
    Ok(())
}

/// Remembers the first passwords of accounts.
pub(crate) async fn add_first_in_txn(txn: &Txn, first: Vec<Remembered>) -> Result<(), DbErr> {
    let rows = first.into_iter().map(active_model);
    Entity::insert_many(rows).exec_without_returning(&**txn).await.map(drop)
}

/// Forgets all passwords of these accounts.
pub(crate) async fn forget_in_txn(txn: &Txn, user_ids: &[Uuid]) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::UserId.is_in(user_ids.iter().copied()))
        .exec(&**txn)
        .await
        .map(drop)
}

/// Remembers a password under another hash.
pub(crate) async fn rehash_in_txn(txn: &Txn, user_id: Uuid, before: &str, hash: &str) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::Hash, Expr::val(hash))
        .filter(Column::UserId.eq(user_id))
        .filter(Column::Hash.eq(before))
        .exec(&**txn)
        .await
        .map(drop)
}

fn newest_first(user_id: Uuid) -> Select<Entity> {
    Entity::find()
        .filter(Column::UserId.eq(user_id))
        .order_by_desc(Column::SetAt)
        .order_by_desc(Column::Id)
}

fn active_model(new: Remembered) -> ActiveModel {
    ActiveModel {
        id: Set(new.id),
        user_id: Set(new.user_id),
        hash: Set(new.hash),
        set_at: Set(new.set_at),
    }
}
