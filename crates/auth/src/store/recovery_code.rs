//! Queries on recovery codes: only their hashes are here.

use kit::db::Txn;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, PaginatorTrait as _, QueryFilter as _,
};
use uuid::Uuid;

use super::entity::recovery_code::{ActiveModel, Column, Entity};

/// How many are left.
pub(crate) async fn count(db: &impl ConnectionTrait, user_id: Uuid) -> Result<u64, DbErr> {
    Entity::find().filter(Column::UserId.eq(user_id)).count(db).await
}

/// Uses one up; `false` when it is none, or none any more.
pub(crate) async fn use_in_txn(txn: &Txn, user_id: Uuid, hash: String) -> Result<bool, DbErr> {
    let deleted = Entity::delete_by_id((user_id, hash)).exec(&**txn).await?;
    Ok(deleted.rows_affected == 1)
}

/// These hold from now on, and no others.
pub(crate) async fn replace_in_txn(txn: &Txn, user_id: Uuid, hashes: Vec<String>) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::UserId.eq(user_id))
        .exec(&**txn)
        .await?;
    if hashes.is_empty() {
        return Ok(());
    }
    let rows = hashes.into_iter().map(|hash| ActiveModel {
        user_id: Set(user_id),
        hash: Set(hash),
    });
    Entity::insert_many(rows).exec_without_returning(&**txn).await.map(drop)
}
