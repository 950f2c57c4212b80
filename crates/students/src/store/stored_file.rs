//! What this service has in the file store. The row of an object is committed before the object is stored and stays until the
//! object is gone: an object without a row belongs to nobody.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use kit::{db::Txn, files::Key};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, UpdateMany, sea_query::Expr,
};

use super::entity::stored_file::{ActiveModel, Column, Entity};

/// On its way: stays only if it becomes [`KEPT`] in the transaction of what it belongs to.
const ARRIVING: &str = "arriving";
const KEPT: &str = "kept";
/// To be deleted.
const DOOMED: &str = "doomed";

/// Writes down objects that will be stored.
pub(crate) async fn announce_in_txn(txn: &Txn, keys: &[&Key], at: DateTime<Utc>) -> Result<(), DbErr> {
    let rows = keys.iter().map(|key| ActiveModel {
        file_key: Set(key.to_string()),
        state: Set(ARRIVING.to_owned()),
        since: Set(at),
    });
    Entity::insert_many(rows).exec_without_returning(&**txn).await?;
    Ok(())
}

/// Keeps what has arrived; `false` when some of it was given up meanwhile.
pub(crate) async fn keep_in_txn(txn: &Txn, keys: &[&Key], at: DateTime<Utc>) -> Result<bool, DbErr> {
    let kept = passing(ARRIVING, KEPT, at).filter(among(keys)).exec(&**txn).await?;
    Ok(kept.rows_affected == keys.len() as u64)
}

/// Dooms what was kept.
pub(crate) async fn doom_in_txn(txn: &Txn, keys: &[&Key], at: DateTime<Utc>) -> Result<(), DbErr> {
    passing(KEPT, DOOMED, at).filter(among(keys)).exec(&**txn).await?;
    Ok(())
}

/// Dooms what is still arriving; which of them that is. What was kept stays.
pub(crate) async fn give_up_in_txn(txn: &Txn, keys: &[&Key], at: DateTime<Utc>) -> Result<Vec<Key>, DbErr> {
    let rows = passing(ARRIVING, DOOMED, at)
        .filter(among(keys))
        .exec_with_returning(&**txn)
        .await?;
    rows.into_iter().map(|row| key(row.file_key)).collect()
}

/// Dooms what began to arrive before then; how many that is.
pub(crate) async fn give_up_old_in_txn(txn: &Txn, before: DateTime<Utc>, at: DateTime<Utc>) -> Result<u64, DbErr> {
    let doomed = passing(ARRIVING, DOOMED, at)
        .filter(Column::Since.lt(before))
        .exec(&**txn)
        .await?;
    Ok(doomed.rows_affected)
}

/// Forgets objects that are gone.
pub(crate) async fn forget_in_txn(txn: &Txn, keys: &[&Key]) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::State.eq(DOOMED))
        .filter(among(keys))
        .exec(&**txn)
        .await?;
    Ok(())
}

/// The next objects to be deleted, in the order of their keys.
pub(crate) async fn doomed(db: &impl ConnectionTrait, after: Option<&Key>, limit: u64) -> Result<Vec<Key>, DbErr> {
    page(db, Condition::all().add(Column::State.eq(DOOMED)), after, limit).await
}

/// The next objects that should be there, in the order of their keys, up to and with `until`.
pub(crate) async fn kept(
    db: &impl ConnectionTrait,
    after: Option<&Key>,
    until: Option<&Key>,
    limit: u64,
) -> Result<Vec<Key>, DbErr> {
    let mut wanted = Condition::all().add(Column::State.eq(KEPT));
    if let Some(until) = until {
        wanted = wanted.add(Column::FileKey.lte(until.as_str()));
    }
    page(db, wanted, after, limit).await
}

/// Which of these objects are written down, whatever is to become of them.
pub(crate) async fn known(db: &impl ConnectionTrait, keys: &[Key]) -> Result<HashSet<Key>, DbErr> {
    let keys: Vec<&Key> = keys.iter().collect();
    let rows = Entity::find().filter(among(&keys)).all(db).await?;
    rows.into_iter().map(|row| key(row.file_key)).collect()
}

/// Whether any object is written down.
pub(crate) async fn any(db: &impl ConnectionTrait) -> Result<bool, DbErr> {
    Ok(Entity::find().one(db).await?.is_some())
}

async fn page(
    db: &impl ConnectionTrait,
    wanted: Condition,
    after: Option<&Key>,
    limit: u64,
) -> Result<Vec<Key>, DbErr> {
    let after = after.map_or("", Key::as_str);
    let rows = Entity::find()
        .filter(wanted.add(Column::FileKey.gt(after)))
        .order_by_asc(Column::FileKey)
        .limit(limit)
        .all(db)
        .await?;
    rows.into_iter().map(|row| key(row.file_key)).collect()
}

fn passing(from: &str, to: &str, at: DateTime<Utc>) -> UpdateMany<Entity> {
    Entity::update_many()
        .col_expr(Column::State, Expr::val(to))
        .col_expr(Column::Since, Expr::val(at))
        .filter(Column::State.eq(from))
}

fn among(keys: &[&Key]) -> Condition {
    Condition::all().add(Column::FileKey.is_in(keys.iter().map(|key| key.as_str())))
}

fn key(text: String) -> Result<Key, DbErr> {
    Key::parse(text).map_err(|error| DbErr::Custom(format!("stored_file: {error}")))
}
