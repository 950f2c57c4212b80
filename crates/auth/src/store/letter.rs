//! Queries on letters that wait to be written. What a letter will say of secrets is never here.

use chrono::{DateTime, Utc};
use kit::{Db, db::Txn};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
    sea_query::{Expr, ExprTrait as _, OnConflict},
};
use uuid::Uuid;

use super::entity::letter::{ActiveModel, Column, Entity, Model};

/// A letter that somebody ordered.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    pub id: Uuid,
    pub kind: String,
    /// To an account, or else to whoever is found under `identifier`.
    pub user_id: Option<Uuid>,
    pub identifier: Option<String>,
    pub context: String,
    /// How many times it was taken up.
    pub tries: i32,
    pub created_at: DateTime<Utc>,
}

/// Adds a letter; nothing happens when the same one waits already.
pub(crate) async fn insert_in_txn(txn: &Txn, letter: Letter) -> Result<(), DbErr> {
    insert_many_in_txn(txn, vec![letter]).await
}

/// Adds letters, in one statement; those that wait already stay as they are.
pub(crate) async fn insert_many_in_txn(txn: &Txn, letters: Vec<Letter>) -> Result<(), DbErr> {
    let rows = letters.into_iter().map(|letter| ActiveModel {
        id: Set(letter.id),
        kind: Set(letter.kind),
        user_id: Set(letter.user_id),
        identifier: Set(letter.identifier),
        context: Set(letter.context),
        tries: Set(letter.tries),
        created_at: Set(letter.created_at),
        not_before: Set(letter.created_at),
    });
    let inserted = Entity::insert_many(rows)
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(&**txn)
        .await;
    match inserted {
        Ok(_) | Err(DbErr::RecordNotInserted) => Ok(()),
        Err(error) => Err(error),
    }
}

/// How many letters wait.
pub(crate) async fn count(db: &impl ConnectionTrait) -> Result<u64, DbErr> {
    Entity::find().count(db).await
}

/// The kinds of the letters to a user that wait, and since when.
pub(crate) async fn waiting_for(
    db: &impl ConnectionTrait,
    user_id: Uuid,
    most: u64,
) -> Result<Vec<(String, DateTime<Utc>)>, DbErr> {
    Entity::find()
        .select_only()
        .column(Column::Kind)
        .column(Column::CreatedAt)
        .filter(Column::UserId.eq(user_id))
        .order_by_asc(Column::CreatedAt)
        .limit(most)
        .into_tuple()
        .all(db)
        .await
}

/// The letter that is due for the longest time.
pub(crate) async fn due(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<Option<Uuid>, DbErr> {
    Entity::find()
        .select_only()
        .column(Column::Id)
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
        .filter(Column::NotBefore.lte(now))
        .exec_with_returning(&*txn)
        .await?;
    txn.commit().await?;
    Ok(claimed.into_iter().next().map(from_row))
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

/// Takes a letter off the queue.
pub(crate) async fn delete(db: &Db, id: Uuid) -> Result<(), DbErr> {
    let txn = db.begin().await?;
    Entity::delete_by_id(id).exec(&*txn).await?;
    txn.commit().await
}

fn from_row(row: Model) -> Letter {
    Letter {
        id: row.id,
        kind: row.kind,
        user_id: row.user_id,
        identifier: row.identifier,
        context: row.context,
        tries: row.tries,
        created_at: row.created_at,
    }
}
