//! One-time links to guardians, and the letters with them that wait to be sent.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use kit::{Db, db::Txn};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, ExprTrait as _, PaginatorTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _, sea_query::Expr,
};
use uuid::Uuid;

use super::entity::guardian_link::{ActiveModel, Column, Entity, Model};
use crate::domain::{LetterStanding, LetterState, Question};

/// A link that is to be sent.
#[derive(Clone, Debug)]
pub(crate) struct NewLink {
    pub id: Uuid,
    pub leave_id: Uuid,
    pub student_id: Uuid,
    pub token_hash: String,
    /// Sealed.
    pub letter: Vec<u8>,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

/// A link as it was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    pub leave_id: Uuid,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub used_at: Option<DateTime<Utc>>,
}

/// A letter that was taken up.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    /// The link's.
    pub id: Uuid,
    pub leave_id: Uuid,
    /// Sealed.
    pub sealed: Vec<u8>,
    /// How many times it was taken up.
    pub tries: i32,
    pub expires_at: DateTime<Utc>,
}

/// What became of a letter.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Sent(DateTime<Utc>),
    Failed(DateTime<Utc>),
    /// Its question is no more.
    Needless,
}

/// Keeps a link with its letter.
pub(crate) async fn insert_in_txn(txn: &Txn, link: NewLink) -> Result<(), DbErr> {
    let row = ActiveModel {
        id: Set(link.id),
        leave_id: Set(link.leave_id),
        student_id: Set(link.student_id),
        token_hash: Set(link.token_hash),
        letter: Set(Some(link.letter)),
        created_at: Set(link.created_at),
        expires_at: Set(link.expires_at),
        used_at: Set(None),
        sent_at: Set(None),
        tries: Set(0),
        not_before: Set(link.created_at),
        failed_at: Set(None),
    };
    Entity::insert(row).exec_without_returning(&**txn).await?;
    Ok(())
}

/// The link of a token, by its hash.
pub(crate) async fn find(db: &impl ConnectionTrait, token_hash: &str) -> Result<Option<Link>, DbErr> {
    let row = Entity::find().filter(Column::TokenHash.eq(token_hash)).one(db).await?;
    Ok(row.map(link))
}

/// Every link of a student that is still known, the first one first.
pub(crate) async fn of_student(db: &impl ConnectionTrait, student: Uuid) -> Result<Vec<Link>, DbErr> {
    let rows = Entity::find()
        .filter(Column::StudentId.eq(student))
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::Id)
        .all(db)
        .await?;
    Ok(rows.into_iter().map(link).collect())
}

/// What was last asked of the guardian about each of these leaves, as far as it is still known.
pub(crate) async fn questions(
    db: &impl ConnectionTrait,
    leaves: impl IntoIterator<Item = Uuid>,
) -> Result<HashMap<Uuid, Question>, DbErr> {
    let rows = Entity::find()
        .filter(Column::LeaveId.is_in(leaves))
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::Id)
        .all(db)
        .await?;
    // Of several the last stays.
    Ok(rows.into_iter().map(|row| (row.leave_id, question(&row))).collect())
}

/// How many times a student's guardian was asked since then, about whatever leave.
pub(crate) async fn count_since(db: &impl ConnectionTrait, student: Uuid, since: DateTime<Utc>) -> Result<u64, DbErr> {
    let asked = Entity::find()
        .filter(Column::StudentId.eq(student))
        .filter(Column::CreatedAt.gte(since));
    asked.count(db).await
}

/// Uses a link up, unless somebody did or it is too old: the row decides.
pub(crate) async fn use_in_txn(txn: &Txn, token_hash: &str, now: DateTime<Utc>) -> Result<bool, DbErr> {
    let used = Entity::update_many()
        .col_expr(Column::UsedAt, Expr::val(now))
        .filter(Column::TokenHash.eq(token_hash))
        .filter(Column::UsedAt.is_null())
        .filter(Column::ExpiresAt.gt(now))
        .exec(&**txn)
        .await?;
    Ok(used.rows_affected == 1)
}

/// Makes the links of a student that nobody used worthless, and takes back the letters that wait.
pub(crate) async fn void_in_txn(txn: &Txn, student: Uuid, now: DateTime<Utc>) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::ExpiresAt, Expr::val(now))
        .col_expr(Column::Letter, Expr::val(None::<Vec<u8>>))
        .filter(Column::StudentId.eq(student))
        .filter(Column::UsedAt.is_null())
        .filter(Column::ExpiresAt.gt(now))
        .exec(&**txn)
        .await?;
    Ok(())
}

/// The letter that is due for the longest time.
pub(crate) async fn due(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<Option<Uuid>, DbErr> {
    Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::Letter.is_not_null())
        .filter(Column::NotBefore.lte(now))
        .order_by_asc(Column::NotBefore)
        .order_by_asc(Column::Id)
        .limit(1)
        .into_tuple()
        .one(db)
        .await
}

/// Takes a letter up until `until`, unless somebody else was quicker: the row decides, also between processes.
pub(crate) async fn claim(
    db: &Db,
    id: Uuid,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Option<Letter>, DbErr> {
    let txn = db.begin().await?;
    let claimed = Entity::update_many()
        .col_expr(Column::NotBefore, Expr::val(until))
        .col_expr(Column::Tries, Expr::col(Column::Tries).add(1))
        .filter(Column::Id.eq(id))
        .filter(Column::Letter.is_not_null())
        .filter(Column::NotBefore.lte(now))
        .exec_with_returning(&*txn)
        .await?;
    txn.commit().await?;
    Ok(claimed.into_iter().next().and_then(|row| {
        Some(Letter {
            id: row.id,
            leave_id: row.leave_id,
            sealed: row.letter?,
            tries: row.tries,
            expires_at: row.expires_at,
        })
    }))
}

/// Takes a letter off the queue: with it the token is gone, and only its hash is left.
pub(crate) async fn done(db: &Db, id: Uuid, end: End) -> Result<(), DbErr> {
    let (sent_at, failed_at) = match end {
        End::Sent(at) => (Some(at), None),
        End::Failed(at) => (None, Some(at)),
        End::Needless => (None, None),
    };
    let txn = db.begin().await?;
    Entity::update_many()
        .col_expr(Column::Letter, Expr::val(None::<Vec<u8>>))
        .col_expr(Column::SentAt, Expr::val(sent_at))
        .col_expr(Column::FailedAt, Expr::val(failed_at))
        .filter(Column::Id.eq(id))
        .exec(&*txn)
        .await?;
    txn.commit().await
}

/// Puts a letter that was taken up off until `until`, unless somebody else has taken it up since.
pub(crate) async fn put_off(db: &Db, letter: &Letter, until: DateTime<Utc>) -> Result<(), DbErr> {
    let txn = db.begin().await?;
    Entity::update_many()
        .col_expr(Column::NotBefore, Expr::val(until))
        .filter(Column::Id.eq(letter.id))
        .filter(Column::Tries.eq(letter.tries))
        .exec(&*txn)
        .await?;
    txn.commit().await
}

/// Forgets links that ended before `end`.
pub(crate) async fn purge(db: &Db, end: DateTime<Utc>) -> Result<u64, DbErr> {
    let txn = db.begin().await?;
    let old = Entity::delete_many().filter(Column::ExpiresAt.lt(end));
    let gone = old.exec(&*txn).await?.rows_affected;
    txn.commit().await?;
    Ok(gone)
}

fn question(row: &Model) -> Question {
    let letter = match (row.sent_at, row.failed_at, &row.letter) {
        (Some(at), _, _) => Some((LetterState::Sent, at)),
        (None, Some(at), _) => Some((LetterState::Failed, at)),
        (None, None, Some(_)) => Some((LetterState::Waiting, row.created_at)),
        (None, None, None) => None,
    };
    Question {
        letter: letter.map(|(state, at)| LetterStanding { state, at }),
        link_expires_at: row.expires_at,
    }
}

fn link(row: Model) -> Link {
    Link {
        leave_id: row.leave_id,
        created_at: row.created_at,
        expires_at: row.expires_at,
        used_at: row.used_at,
    }
}
