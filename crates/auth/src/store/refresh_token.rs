//! Queries on refresh tokens: only their hashes are here.

use chrono::{DateTime, Utc};
use kit::db::Txn;
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _,
    QueryFilter as _, sea_query::Expr,
};
use uuid::Uuid;

use super::entity::refresh_token::{ActiveModel, Column, Entity};

/// A token as it is kept.
pub(crate) struct StoredToken {
    pub session_id: Uuid,
    /// When it was spent, and what leads to its successor.
    pub spent: Option<(DateTime<Utc>, String)>,
}

/// Keeps a token that was just made.
pub(crate) async fn insert_in_txn(txn: &Txn, hash: String, session_id: Uuid, at: DateTime<Utc>) -> Result<(), DbErr> {
    let row = ActiveModel {
        hash: Set(hash),
        session_id: Set(session_id),
        issued_at: Set(at),
        spent_at: Set(None),
        successor_salt: Set(None),
    };
    row.insert(&**txn).await.map(drop)
}

/// Spends a token that was not spent before: of many who try at once, one is told its session.
pub(crate) async fn spend_in_txn(
    txn: &Txn,
    hash: &str,
    successor_salt: &str,
    at: DateTime<Utc>,
) -> Result<Option<Uuid>, DbErr> {
    let spent = Entity::update_many()
        .col_expr(Column::SpentAt, Expr::val(at))
        .col_expr(Column::SuccessorSalt, Expr::val(successor_salt))
        .filter(Column::Hash.eq(hash))
        .filter(Column::SpentAt.is_null())
        .exec_with_returning(&**txn)
        .await?;
    Ok(spent.into_iter().next().map(|row| row.session_id))
}

pub(crate) async fn find(db: &impl ConnectionTrait, hash: &str) -> Result<Option<StoredToken>, DbErr> {
    let row = Entity::find_by_id(hash).one(db).await?;
    Ok(row.map(|row| StoredToken {
        session_id: row.session_id,
        spent: row.spent_at.zip(row.successor_salt),
    }))
}
