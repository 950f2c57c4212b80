//! Queries on challenges: people between the two steps of signing in. Only hashes of their tokens are here.

use chrono::{DateTime, Utc};
use kit::db::Txn;
use sea_orm::{
    ActiveModelTrait as _,
    ActiveValue::Set,
    ColumnTrait as _, DbErr, EntityTrait as _, QueryFilter as _,
    sea_query::{Expr, ExprTrait as _},
};
use uuid::Uuid;

use super::entity::login_challenge::{ActiveModel, Column, Entity};

/// The first step proved a password: of an account that is active still, and whose password is still that one.
const STILL_PROVED: &str = "EXISTS (SELECT 1 FROM user_account AS somebody WHERE somebody.id = login_challenge.user_id \
     AND somebody.is_active AND (somebody.password_changed_at IS NULL \
     OR somebody.password_changed_at <= login_challenge.created_at))";

/// A challenge that begins.
pub(crate) struct NewChallenge {
    pub hash: String,
    pub user_id: Uuid,
    pub tries: i32,
    pub set_ups: i32,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

/// A challenge that somebody answers.
pub(crate) struct Taken {
    pub user_id: Uuid,
    /// When the password was proved.
    pub created_at: DateTime<Utc>,
}

pub(crate) async fn insert_in_txn(txn: &Txn, new: NewChallenge) -> Result<(), DbErr> {
    let row = ActiveModel {
        hash: Set(new.hash),
        user_id: Set(new.user_id),
        tries_left: Set(new.tries),
        set_ups_left: Set(new.set_ups),
        created_at: Set(new.created_at),
        expires_at: Set(new.expires_at),
    };
    row.insert(&**txn).await.map(drop)
}

/// Takes one of the tries; the challenge, or `None` when it holds no longer or never did.
pub(crate) async fn take_try_in_txn(txn: &Txn, hash: &str, now: DateTime<Utc>) -> Result<Option<Taken>, DbErr> {
    take_in_txn(txn, hash, Column::TriesLeft, now).await
}

/// Takes one of the set-ups; whose challenge it is, or `None` when it holds no longer or never did.
pub(crate) async fn take_set_up_in_txn(txn: &Txn, hash: &str, now: DateTime<Utc>) -> Result<Option<Uuid>, DbErr> {
    let taken = take_in_txn(txn, hash, Column::SetUpsLeft, now).await?;
    Ok(taken.map(|taken| taken.user_id))
}

async fn take_in_txn(txn: &Txn, hash: &str, what: Column, now: DateTime<Utc>) -> Result<Option<Taken>, DbErr> {
    let taken = Entity::update_many()
        .col_expr(what, Expr::col(what).sub(1))
        .filter(Column::Hash.eq(hash))
        .filter(what.gt(0))
        .filter(Column::TriesLeft.gt(0))
        .filter(Column::ExpiresAt.gt(now))
        .filter(Expr::cust(STILL_PROVED))
        .exec_with_returning(&**txn)
        .await?;
    Ok(taken.into_iter().next().map(|row| Taken {
        user_id: row.user_id,
        created_at: row.created_at,
    }))
}

/// A challenge that was met is over.
pub(crate) async fn delete_in_txn(txn: &Txn, hash: &str) -> Result<(), DbErr> {
    Entity::delete_by_id(hash).exec(&**txn).await.map(drop)
}
