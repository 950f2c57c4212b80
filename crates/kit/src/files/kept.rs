//! What a service has in the file store. The row of an object is committed before the object is stored and stays until the
//! object is gone: an object without a row belongs to nobody.

use std::{collections::HashSet, slice, time::Duration};

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, Condition, ConnectionTrait, DbBackend, DbErr, EntityTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _, UpdateMany, sea_query::Expr,
};
use sea_orm_migration::{SchemaManager, prelude::*, schema};

use self::row::{ActiveModel, Column, Entity};
use super::{Files, Key};
use crate::{Clock, Db, db::Txn, port::PortError};

mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "stored_file")]
    pub(super) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub file_key: String,
        /// `arriving`, `kept` or `doomed`.
        pub state: String,
        pub since: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// What has not arrived by then never will: no upload takes so long.
const ARRIVES_WITHIN: chrono::Duration = chrono::Duration::hours(1);
/// Nobody who waits for an answer waits longer for a file to go; what is left goes with the next [`tidy`].
const PATIENCE: Duration = Duration::from_secs(5);
const PAGE: u64 = 200;
/// So many pages at once; what is left waits for the next time.
const MOST_PAGES: usize = 20_000;

/// An object in the file store, and what it holds.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredFile {
    pub key: Key,
    pub size: u64,
    pub sha256: [u8; 32],
}

/// So many files that cannot be deleted mean that none can.
const MOST_FAILURES: u32 = 10;

/// What went wrong on the way between the file store and what is written down of it.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    #[error("database: {0}")]
    Database(#[from] DbErr),
    #[error("{0}")]
    Port(#[from] PortError),
}

/// What was found and done.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tidied {
    /// Uploads that broke off long ago and were given up.
    pub abandoned: u64,
    /// Objects of what is gone, and of uploads that were given up, deleted.
    pub deleted: u64,
}

/// Makes the table, in the migration of the service that keeps files. The keys are compared byte by byte, as the store lists them.
pub async fn create_table(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut key = ColumnDef::new("file_key");
    key.text().not_null().primary_key();
    if manager.get_database_backend() == DbBackend::Postgres {
        key.extra("COLLATE \"C\"");
    }
    let mut table = Table::create();
    table
        .table("stored_file")
        .col(key)
        .col(schema::string("state").check(Expr::col("state").is_in([ARRIVING, KEPT, DOOMED])))
        .col(schema::timestamp_with_time_zone("since"));
    manager.create_table(table).await?;
    let index = "CREATE INDEX ix_stored_file_since ON stored_file (state, since)";
    manager.get_connection().execute_unprepared(index).await?;
    Ok(())
}

/// A key that nobody guesses, and that says nothing of what is behind it.
pub fn random_key(prefix: &str) -> Key {
    let random = hex::encode(rand::random::<[u8; 16]>());
    let key = Key::parse(format!("{prefix}{}/{random}", &random[..2]));
    key.expect("hexadecimal digits and slashes make a key")
}

/// Whether a key is one that [`random_key`] made.
pub fn is_random_key(prefix: &str, key: &Key) -> bool {
    let is_hex = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let parts = key.as_str().strip_prefix(prefix).and_then(|rest| rest.split_once('/'));
    parts.is_some_and(|(shard, random)| random.len() == 32 && is_hex(random) && shard == &random[..2])
}

/// Deletes doomed objects at once, as far as that goes.
pub async fn delete_now(db: &Db, files: &dyn Files, doomed: &[Key]) {
    match tokio::time::timeout(PATIENCE, delete(db, files, doomed)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "files could not be deleted, trying again later"),
        Err(_) => tracing::warn!("the file store is slow to delete files, trying again later"),
    }
}

/// Deletes doomed objects and forgets them.
pub async fn delete(db: &Db, files: &dyn Files, doomed: &[Key]) -> Result<(), KeptError> {
    for key in doomed {
        files.delete(key).await?;
        let txn = db.begin().await?;
        forget_in_txn(&txn, &[key]).await?;
        txn.commit().await?;
    }
    Ok(())
}

/// Gives up uploads that broke off, and deletes what is doomed. A file that cannot be deleted keeps no other back.
pub async fn tidy(db: &Db, files: &dyn Files, clock: &Clock) -> Result<Tidied, KeptError> {
    let now = clock.now();
    let txn = db.begin().await?;
    let abandoned = give_up_old_in_txn(&txn, now - ARRIVES_WITHIN, now).await?;
    txn.commit().await?;
    let deleted = delete_doomed(db, files).await?;
    Ok(Tidied { abandoned, deleted })
}

async fn delete_doomed(db: &Db, files: &dyn Files) -> Result<u64, KeptError> {
    let (mut deleted, mut failures) = (0, 0);
    let mut after: Option<Key> = None;
    for _ in 0..MOST_PAGES {
        let doomed = doomed(db.reader(), after.as_ref(), PAGE).await?;
        let Some(last) = doomed.last() else { break };
        for key in &doomed {
            let Err(error) = delete(db, files, slice::from_ref(key)).await else {
                deleted += 1;
                continue;
            };
            failures += 1;
            if failures == MOST_FAILURES {
                return Err(error);
            }
            tracing::warn!(%key, %error, "a file could not be deleted, trying again later");
        }
        after = Some(last.clone());
    }
    Ok(deleted)
}

/// On its way: stays only if it becomes [`KEPT`] in the transaction of what it belongs to.
const ARRIVING: &str = "arriving";
const KEPT: &str = "kept";
/// To be deleted.
const DOOMED: &str = "doomed";

/// Writes down objects that will be stored.
pub async fn announce_in_txn(txn: &Txn, keys: &[&Key], at: DateTime<Utc>) -> Result<(), DbErr> {
    let rows = keys.iter().map(|key| ActiveModel {
        file_key: Set(key.to_string()),
        state: Set(ARRIVING.to_owned()),
        since: Set(at),
    });
    Entity::insert_many(rows).exec_without_returning(&**txn).await?;
    Ok(())
}

/// Keeps what has arrived; `false` when some of it was given up meanwhile.
pub async fn keep_in_txn(txn: &Txn, keys: &[&Key], at: DateTime<Utc>) -> Result<bool, DbErr> {
    let kept = passing(ARRIVING, KEPT, at).filter(among(keys)).exec(&**txn).await?;
    Ok(kept.rows_affected == keys.len() as u64)
}

/// Dooms what was kept.
pub async fn doom_in_txn(txn: &Txn, keys: &[&Key], at: DateTime<Utc>) -> Result<(), DbErr> {
    passing(KEPT, DOOMED, at).filter(among(keys)).exec(&**txn).await?;
    Ok(())
}

/// Dooms what is still arriving; which of them that is. What was kept stays.
pub async fn give_up_in_txn(txn: &Txn, keys: &[&Key], at: DateTime<Utc>) -> Result<Vec<Key>, DbErr> {
    let rows = passing(ARRIVING, DOOMED, at)
        .filter(among(keys))
        .exec_with_returning(&**txn)
        .await?;
    rows.into_iter().map(|row| key(row.file_key)).collect()
}

/// Dooms what began to arrive before then; how many that is.
pub async fn give_up_old_in_txn(txn: &Txn, before: DateTime<Utc>, at: DateTime<Utc>) -> Result<u64, DbErr> {
    let doomed = passing(ARRIVING, DOOMED, at)
        .filter(Column::Since.lt(before))
        .exec(&**txn)
        .await?;
    Ok(doomed.rows_affected)
}

/// Forgets objects that are gone.
pub async fn forget_in_txn(txn: &Txn, keys: &[&Key]) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::State.eq(DOOMED))
        .filter(among(keys))
        .exec(&**txn)
        .await?;
    Ok(())
}

/// The next objects to be deleted, in the order of their keys.
pub async fn doomed(db: &impl ConnectionTrait, after: Option<&Key>, limit: u64) -> Result<Vec<Key>, DbErr> {
    page(db, Condition::all().add(Column::State.eq(DOOMED)), after, limit).await
}

/// The next objects that should be there, in the order of their keys, up to and with `until`.
pub async fn kept(
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
pub async fn known(db: &impl ConnectionTrait, keys: &[Key]) -> Result<HashSet<Key>, DbErr> {
    let keys: Vec<&Key> = keys.iter().collect();
    let rows = Entity::find().filter(among(&keys)).all(db).await?;
    rows.into_iter().map(|row| key(row.file_key)).collect()
}

/// Whether any object is written down.
pub async fn any(db: &impl ConnectionTrait) -> Result<bool, DbErr> {
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

#[cfg(test)]
mod tests {
    use super::*;

    const PREFIX: &str = "documents/";

    #[test]
    fn keys_are_random_and_known_again() {
        let (one, other) = (random_key(PREFIX), random_key(PREFIX));
        assert_ne!(one, other);
        assert!(is_random_key(PREFIX, &one) && is_random_key(PREFIX, &other));
        assert!(!is_random_key("leaves/", &one));
        for foreign in [
            "documents/readme.txt",
            "documents/ab/cd",
            "documents/00/0123456789ABCDEF0123456789abcdef",
            "exports/01/0123456789abcdef0123456789abcdef",
            "documents/02/0123456789abcdef0123456789abcdef",
        ] {
            assert!(!is_random_key(PREFIX, &Key::parse(foreign).unwrap()), "{foreign}");
        }
    }
}
