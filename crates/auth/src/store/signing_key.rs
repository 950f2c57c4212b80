//! Queries on signing keys.

use chrono::{DateTime, Utc};
use kit::db::{self, Txn};
use sea_orm::{
    ActiveModelTrait as _,
    ActiveValue::Set,
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    sea_query::{Expr, OnConflict},
};

use super::entity::signing_key::{ActiveModel, Column, Entity};

/// A key as it is kept.
pub(crate) struct StoredKey {
    pub kid: String,
    pub seed: String,
    /// None for the first key of an installation.
    pub signs_from: Option<DateTime<Utc>>,
    /// None for the key that signs, or is about to.
    pub verifies_until: Option<DateTime<Utc>>,
}

/// All keys, the newest first.
pub(crate) async fn all(db: &impl ConnectionTrait) -> Result<Vec<StoredKey>, DbErr> {
    let rows = Entity::find().order_by_desc(Column::CreatedAt).all(db).await?;
    Ok(rows
        .into_iter()
        .map(|row| StoredKey {
            kid: row.kid,
            seed: row.seed,
            signs_from: row.signs_from,
            verifies_until: row.verifies_until,
        })
        .collect())
}

/// Keeps the first key; nothing happens where another process was quicker.
pub(crate) async fn insert_first_in_txn(txn: &Txn, kid: String, seed: String, at: DateTime<Utc>) -> Result<(), DbErr> {
    let nothing = OnConflict::new().do_nothing().to_owned();
    Entity::insert(signing(kid, seed, None, at))
        .on_conflict(nothing)
        .exec_without_returning(&**txn)
        .await
        .map(drop)
}

/// Lets the key that signs only verify from now on, until then.
pub(crate) async fn retire_in_txn(txn: &Txn, verifies_until: DateTime<Utc>) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::IsSigning, Expr::val(false))
        .col_expr(Column::VerifiesUntil, Expr::val(verifies_until))
        .filter(Column::IsSigning.eq(true))
        .exec(&**txn)
        .await
        .map(drop)
}

/// Keeps the key that signs next; `false` where another one is that already.
pub(crate) async fn insert_next_in_txn(
    txn: &Txn,
    (kid, seed): (String, String),
    signs_from: DateTime<Utc>,
    at: DateTime<Utc>,
) -> Result<bool, DbErr> {
    match signing(kid, seed, Some(signs_from), at).insert(&**txn).await {
        Ok(_) => Ok(true),
        Err(error) if db::unique_violation(&error).is_some() => Ok(false),
        Err(error) => Err(error),
    }
}

/// Deletes the keys whose tokens have all ended; how many those were.
pub(crate) async fn delete_ended_in_txn(txn: &Txn, now: DateTime<Utc>) -> Result<u64, DbErr> {
    let ended = Entity::delete_many().filter(Column::VerifiesUntil.lt(now));
    Ok(ended.exec(&**txn).await?.rows_affected)
}

fn signing(kid: String, seed: String, signs_from: Option<DateTime<Utc>>, at: DateTime<Utc>) -> ActiveModel {
    ActiveModel {
        kid: Set(kid),
        seed: Set(seed),
        is_signing: Set(true),
        created_at: Set(at),
        signs_from: Set(signs_from),
        verifies_until: Set(None),
    }
}
