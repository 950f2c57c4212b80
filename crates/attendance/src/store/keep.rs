//! How long things are kept: what is too old goes, in bounded steps.

use chrono::{DateTime, NaiveDate, Utc};
use kit::Db;
use sea_orm::{ConnectionTrait as _, DbBackend, DbErr, FromQueryResult};
use uuid::Uuid;

use super::{execute, partitions, statement};

/// Rows that go in one transaction.
pub(crate) const A_STEP: u64 = 1000;

#[derive(FromQueryResult)]
struct Id {
    id: Uuid,
}

/// Drops the months that ended before this day, where marks and scans lie by month; which they were.
pub(crate) async fn drop_months(db: &Db, before: NaiveDate) -> Result<Vec<String>, DbErr> {
    let mut dropped = Vec::new();
    for table in partitions::TABLES {
        for name in partitions::older(db.reader(), table, before).await? {
            // Each in a transaction of its own: the table is held for a moment only.
            let txn = db.begin().await?;
            partitions::drop_in_txn(&*txn, table, &name).await?;
            txn.commit().await?;
            dropped.push(name);
        }
    }
    Ok(dropped)
}

/// Deletes some of what is about days before this one; whether there may be more.
pub(crate) async fn delete_some(db: &Db, before: NaiveDate) -> Result<bool, DbErr> {
    let txn = db.begin().await?;
    let mut tables = vec![("awaiting", "scan_id"), ("mark_change", "id")];
    if txn.get_database_backend() == DbBackend::Sqlite {
        // On PostgreSQL whole months of these go at once.
        tables.extend([("mark", "rowid"), ("scan", "rowid")]);
    }
    let mut is_more = false;
    for (table, key) in tables {
        let sql =
            format!("DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {table} WHERE day < $1 LIMIT {A_STEP})");
        is_more |= execute(&*txn, &sql, [before.into()]).await? == A_STEP;
    }
    // Nothing points to a roll call of those days any more once everything else of them is gone.
    if !is_more {
        is_more = delete_roll_calls_in_txn(&txn, before).await?;
    }
    txn.commit().await?;
    Ok(is_more)
}

async fn delete_roll_calls_in_txn(txn: &kit::db::Txn, before: NaiveDate) -> Result<bool, DbErr> {
    let sql = format!("SELECT id FROM session WHERE day < $1 ORDER BY day LIMIT {A_STEP}");
    let found = Id::find_by_statement(statement(&**txn, &sql, [before.into()]))
        .all(&**txn)
        .await?;
    if found.is_empty() {
        return Ok(false);
    }
    let marks: Vec<String> = (1..=found.len()).map(|at| format!("${at}")).collect();
    let marks = marks.join(", ");
    for (table, key) in [("flag", "session_id"), ("session", "id")] {
        let sql = format!("DELETE FROM {table} WHERE {key} IN ({marks})");
        execute(&**txn, &sql, found.iter().map(|row| row.id.into())).await?;
    }
    Ok(found.len() as u64 == A_STEP)
}

/// Takes the coordinates out of some scans that came before then; whether there may be more.
pub(crate) async fn forget_some_places(db: &Db, before: DateTime<Utc>) -> Result<bool, DbErr> {
    let txn = db.begin().await?;
    let sql = format!(
        "UPDATE scan SET latitude = NULL, longitude = NULL WHERE (day, id) IN \
         (SELECT day, id FROM scan WHERE latitude IS NOT NULL AND received_at < $1 LIMIT {A_STEP})"
    );
    let rows = execute(&*txn, &sql, [before.into()]).await?;
    txn.commit().await?;
    Ok(rows == A_STEP)
}
