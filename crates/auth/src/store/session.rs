//! Queries on sessions.

use chrono::{DateTime, Utc};
use kit::db::Txn;
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, DbErr, EntityTrait as _, QueryFilter as _,
    sea_query::Expr,
};
use uuid::Uuid;

use super::entity::session::{ActiveModel, Column, Entity};

/// A session that begins.
#[derive(Debug)]
pub(crate) struct NewSession {
    pub id: Uuid,
    pub user_id: Uuid,
    pub refresh_hash: String,
    pub ip: Option<String>,
    pub user_agent: Option<String>,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

pub(crate) async fn insert_in_txn(txn: &Txn, session: NewSession) -> Result<(), DbErr> {
    let row = ActiveModel {
        id: Set(session.id),
        user_id: Set(session.user_id),
        refresh_hash: Set(session.refresh_hash),
        ip: Set(session.ip),
        user_agent: Set(session.user_agent),
        created_at: Set(session.created_at),
        last_used_at: Set(session.created_at),
        expires_at: Set(session.expires_at),
        ended_at: Set(None),
    };
    row.insert(&**txn).await.map(drop)
}

/// Ends every session of a user.
pub(crate) async fn end_all_in_txn(txn: &Txn, user_id: Uuid, at: DateTime<Utc>) -> Result<(), DbErr> {
    let ended = Entity::update_many()
        .col_expr(Column::EndedAt, Expr::val(at))
        .filter(Column::UserId.eq(user_id))
        .filter(Column::EndedAt.is_null())
        .exec(&**txn)
        .await;
    ended.map(drop)
}
