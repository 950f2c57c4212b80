//! What a consumer has applied: one row an event, written in the transaction of the effect.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait as _, DbErr, Statement, Value};
use uuid::Uuid;

use crate::db::{Db, Txn};

/// Longer than the ledger of any outbox, so that a replay finds everything still here.
pub(super) const KEPT: chrono::Duration = chrono::Duration::days(14);

/// Says whether the event is new to the consumer, and remembers it; one that comes again is remembered from now on, because
/// its ledger keeps it from now on, too.
pub(super) async fn record(txn: &Txn, consumer: &str, event: Uuid, now: DateTime<Utc>) -> Result<bool, DbErr> {
    let values: [Value; 3] = [consumer.into(), event.into(), now.into()];
    let execute = async |sql| {
        let statement = Statement::from_sql_and_values(txn.get_database_backend(), sql, values.clone());
        Ok::<_, DbErr>(txn.execute_raw(statement).await?.rows_affected())
    };
    let new = execute("INSERT INTO inbox (consumer, event_id, applied_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
        .await?;
    if new == 0 {
        execute("UPDATE inbox SET applied_at = $3 WHERE consumer = $1 AND event_id = $2").await?;
    }
    Ok(new > 0)
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
