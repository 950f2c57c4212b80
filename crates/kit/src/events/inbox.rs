//! What a consumer has applied: one row an event, written in the transaction of the effect.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait as _, DbErr, Statement, Value};
use uuid::Uuid;

use crate::db::{Db, Rows, Txn};

/// Longer than the ledger of any outbox, so that a replay finds everything still here.
pub(super) const KEPT: chrono::Duration = chrono::Duration::days(14);

/// Says which events are new to the consumer, and remembers all; one that comes again is remembered from now on, because
/// its ledger keeps it from now on, too.
pub(super) async fn record(
    txn: &Txn,
    consumer: &str,
    events: &[Uuid],
    now: DateTime<Utc>,
) -> Result<HashSet<Uuid>, DbErr> {
    let values = events
        .iter()
        .map(|event| [consumer.into(), (*event).into(), now.into()])
        .collect();
    let columns = ["consumer", "event_id", "applied_at"];
    let rows = Rows {
        table: "inbox",
        columns,
        values,
    };
    let new = rows.insert(txn.get_database_backend(), "ON CONFLICT DO NOTHING RETURNING event_id")?;
    let new = txn.query_all_raw(new).await?;
    let new = new.iter().map(|row| row.try_get("", "event_id"));
    let new: HashSet<Uuid> = new.collect::<Result<_, _>>()?;
    for again in events.iter().copied().filter(|event| !new.contains(event)) {
        let sql = "UPDATE inbox SET applied_at = $3 WHERE consumer = $1 AND event_id = $2";
        let values: [Value; 3] = [consumer.into(), again.into(), now.into()];
        let statement = Statement::from_sql_and_values(txn.get_database_backend(), sql, values);
        txn.execute_raw(statement).await?;
    }
    Ok(new)
}

/// Forgets at most `rows` that are older than `before`; says how many.
pub(super) async fn purge(db: &Db, before: DateTime<Utc>, rows: u64) -> Result<u64, DbErr> {
    let txn = db.begin().await?;
    // Row values instead of an internal row id: both databases know them.
    let statement = Statement::from_sql_and_values(
        db.backend(),
        "DELETE FROM inbox WHERE (consumer, event_id) IN \
         (SELECT consumer, event_id FROM inbox WHERE applied_at < $1 LIMIT $2)",
        [before.into(), i64::try_from(rows).unwrap_or(i64::MAX).into()],
    );
    let gone = txn.execute_raw(statement).await?.rows_affected();
    txn.commit().await?;
    Ok(gone)
}
