//! Queries on signing keys.

use chrono::{DateTime, Utc};
use kit::db::Txn;
use sea_orm::{ActiveValue::Set, ConnectionTrait, DbErr, EntityTrait as _, QueryOrder as _, sea_query::OnConflict};

use super::entity::signing_key::{ActiveModel, Column, Entity};

/// A key as it is kept.
pub(crate) struct StoredKey {
    pub kid: String,
    pub seed: String,
    pub is_signing: bool,
}

/// All keys, the newest first.
pub(crate) async fn all(db: &impl ConnectionTrait) -> Result<Vec<StoredKey>, DbErr> {
    let rows = Entity::find().order_by_desc(Column::CreatedAt).all(db).await?;
    Ok(rows
        .into_iter()
        .map(|row| StoredKey {
            kid: row.kid,
            seed: row.seed,
            is_signing: row.is_signing,
        })
        .collect())
}

/// Keeps the first key; nothing happens where another process was quicker.
pub(crate) async fn insert_first_in_txn(txn: &Txn, kid: String, seed: String, at: DateTime<Utc>) -> Result<(), DbErr> {
    let row = ActiveModel {
        kid: Set(kid),
        seed: Set(seed),
        is_signing: Set(true),
        created_at: Set(at),
    };
    let nothing = OnConflict::new().do_nothing().to_owned();
    Entity::insert(row)
        .on_conflict(nothing)
        .exec_without_returning(&**txn)
        .await
        .map(drop)
}
