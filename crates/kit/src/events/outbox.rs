//! The ledger of what a service said: written in the transaction of the change, kept seven days after publishing.
//!
//! The rows of one subject go out in the order of their versions. Whoever has leased a subject's first waiting row (its
//! head) has the subject: no later row of it can be a head before that one is published.

use chrono::{DateTime, Utc};
use prost::{Message, Name};
use prost_reflect::MessageDescriptor;
use sea_orm::{ConnectionTrait as _, DbErr, FromQueryResult, Statement, Value};
use uuid::Uuid;

use super::{Actor, Event};
use crate::{
    Clock, Db,
    access::Caller,
    contract,
    db::{Rows, Txn, one_of},
    json,
};

/// How long rows stay after they were published, so that a broker that lost its disk is filled again.
pub(super) const KEPT: chrono::Duration = chrono::Duration::days(7);
/// Larger events are refused where they are made: nothing on the way has to cope with them.
pub const MAX_EVENT_BYTES: usize = 256 * 1024;
/// Seven values a row; SQLite takes 32,766 of them in a statement.
const ROWS_A_STATEMENT: usize = 1000;
/// How many rows of one subject are taken with its head.
const ROWS_A_RUN: i64 = 16;

/// What a row begins with; whether it was tried, leased or published comes later.
const COLUMNS: [&str; 7] = ["id", "subject", "version", "kind", "event", "occurred_at", "attempts"];

/// An event as it lies in the outbox: the values of the columns that a row begins with.
#[derive(Clone, Debug)]
pub struct Written([Value; 7]);

/// An event about to be written: what happened, to what, by whom.
#[derive(Clone, Debug)]
pub struct Draft {
    id: Uuid,
    time: DateTime<Utc>,
    source: String,
    subject: Uuid,
    version: i64,
    actor: Actor,
    traceparent: Option<String>,
    message: MessageDescriptor,
    data: serde_json::Value,
}

impl Draft {
    /// `source` is the service; `version` the subject's version after the change, from 1, higher each time; `data` a message
    /// of the contract that declares an event type.
    pub fn new<M: Message + Name + 'static>(
        clock: &Clock,
        caller: &Caller,
        source: &str,
        subject: Uuid,
        version: i64,
        data: &M,
    ) -> Self {
        Self {
            id: clock.new_id(),
            time: clock.now(),
            source: format!("/hostelpulse/{source}"),
            subject,
            version,
            actor: Actor::from(caller),
            traceparent: caller.traceparent.clone(),
            message: contract::message::<M>(),
            data: json::to_value(data),
        }
    }

    /// The event as it will lie in the outbox. That is the costly part of telling it, and needs no transaction.
    pub fn written(self) -> Result<Written, DbErr> {
        let name = self.message.full_name().to_owned();
        let kind = contract::event_type(&self.message)
            .ok_or_else(|| DbErr::Custom(format!("{name} is no event: it declares no event type")))?;
        let event = Event {
            specversion: "1.0".to_owned(),
            id: self.id,
            source: self.source,
            kind: kind.clone(),
            time: self.time,
            subject: self.subject.to_string(),
            datacontenttype: "application/json".to_owned(),
            version: self.version,
            traceparent: self.traceparent,
            actor: self.actor,
            data: self.data,
        };
        let text = serde_json::to_string(&event).map_err(|error| DbErr::Json(format!("{name}: {error}")))?;
        if text.len() > MAX_EVENT_BYTES {
            let size = text.len();
            return Err(DbErr::Custom(format!(
                "the event {kind} has {size} bytes, at most {MAX_EVENT_BYTES} are allowed"
            )));
        }
        Ok(Written([
            self.id.into(),
            self.subject.into(),
            self.version.into(),
            kind.into(),
            text.into(),
            self.time.into(),
            0_i32.into(),
        ]))
    }
}

/// Writes an event in the caller's transaction. The same version of a subject twice is a unique violation.
pub async fn add(txn: &Txn, draft: Draft) -> Result<(), DbErr> {
    add_many(txn, [draft]).await
}

/// Writes several events in the caller's transaction, many rows a statement.
pub async fn add_many(txn: &Txn, drafts: impl IntoIterator<Item = Draft>) -> Result<(), DbErr> {
    let written: Vec<Written> = drafts.into_iter().map(Draft::written).collect::<Result<_, _>>()?;
    add_written(txn, written).await
}

/// The same with events that were written before.
pub async fn add_written(txn: &Txn, events: impl IntoIterator<Item = Written>) -> Result<(), DbErr> {
    let rows: Vec<[Value; 7]> = events.into_iter().map(|event| event.0).collect();
    for chunk in rows.chunks(ROWS_A_STATEMENT) {
        let values = chunk.to_vec();
        let rows = Rows {
            table: "outbox",
            columns: COLUMNS,
            values,
        };
        txn.execute_raw(rows.insert(txn.get_database_backend(), "")?).await?;
        txn.tells();
    }
    Ok(())
}

/// Marks what was published since then as unpublished: the relay sends it again, in order, and every consumer takes what
/// it has not applied yet. Says how many events that is.
pub async fn replay(db: &Db, clock: &Clock, since: DateTime<Utc>) -> Result<u64, DbErr> {
    // What the relay publishes again meanwhile is younger than this and not marked twice.
    let until = clock.now();
    let mut marked = 0;
    loop {
        let txn = db.begin().await?;
        let statement = Statement::from_sql_and_values(
            db.backend(),
            "UPDATE outbox SET published_at = NULL, not_before = NULL, attempts = 0 WHERE id IN \
             (SELECT id FROM outbox WHERE published_at >= $1 AND published_at <= $2 ORDER BY published_at LIMIT 1000)",
            [since.into(), until.into()],
        );
        let batch = txn.execute_raw(statement).await?.rows_affected();
        if batch == 0 {
            return Ok(marked);
        }
        txn.commit().await?;
        marked += batch;
    }
}

/// Removes what was said of a subject, as far as it is published: whoever wanted it has heard it. For somebody who is to be
/// forgotten; a replay then begins with what is said of them from now on.
pub async fn forget_in_txn(txn: &Txn, subject: Uuid) -> Result<(), DbErr> {
    let sql = "DELETE FROM outbox WHERE subject = $1 AND published_at IS NOT NULL";
    let statement = Statement::from_sql_and_values(txn.get_database_backend(), sql, [subject.into()]);
    txn.execute_raw(statement).await?;
    Ok(())
}

/// How much is waiting, and since when.
#[derive(Clone, Copy, Debug, Eq, FromQueryResult, PartialEq)]
pub struct Backlog {
    pub waiting: i64,
    pub oldest: Option<DateTime<Utc>>,
}

/// What is written and not yet published.
pub async fn backlog(db: &Db) -> Result<Backlog, DbErr> {
    let statement = Statement::from_string(
        db.backend(),
        "SELECT COUNT(*) AS waiting, MIN(occurred_at) AS oldest FROM outbox WHERE published_at IS NULL",
    );
    let backlog = Backlog::find_by_statement(statement).one(db.reader()).await?;
    Ok(backlog.unwrap_or(Backlog {
        waiting: 0,
        oldest: None,
    }))
}

/// A row on its way to the bus.
#[derive(Clone, Debug, FromQueryResult)]
pub(super) struct Waiting {
    pub(super) id: Uuid,
    pub(super) subject: Uuid,
    pub(super) event: String,
    pub(super) attempts: i32,
}

/// What came of a run: the rows that are published, and the one at which it ended early.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) published: Vec<Uuid>,
    pub(super) failed: Option<Failed>,
}

#[derive(Debug)]
pub(super) struct Failed {
    pub(super) id: Uuid,
    pub(super) attempts: i32,
    pub(super) error: String,
    /// `None`: to be tried again as soon as possible.
    pub(super) not_before: Option<DateTime<Utc>>,
}

/// Has PostgreSQL walk the indexes for the rest of the transaction. A plan that it made while the table was nearly empty
/// reads all of it, for every row anew, and stays in use until the next ANALYZE, when thousands of rows may have come. A
/// bitmap is as bad: it visits whatever was published since the last VACUUM each time, where a walk of the index leaves
/// out what the walk before found dead.
pub(super) async fn by_indexes(txn: &Txn) -> Result<(), DbErr> {
    if txn.get_database_backend() == sea_orm::DbBackend::Postgres {
        txn.execute_unprepared("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
            .await?;
    }
    Ok(())
}

/// Leases up to `subjects` subjects that have something due, oldest first, and reads what they have to say: one run of
/// rows a subject, in the order of their versions.
pub(super) async fn claim(
    txn: &Txn,
    subjects: usize,
    now: DateTime<Utc>,
    lease: chrono::Duration,
) -> Result<Vec<Vec<Waiting>>, DbErr> {
    let backend = txn.get_database_backend();
    let unless_taken = match backend {
        sea_orm::DbBackend::Postgres => "FOR UPDATE SKIP LOCKED",
        _ => "", // one writer at a time
    };
    let lease_heads = format!(
        "WITH heads AS MATERIALIZED ( \
           SELECT id FROM outbox AS candidate \
           WHERE published_at IS NULL AND (not_before IS NULL OR not_before <= $1) AND NOT EXISTS ( \
             SELECT 1 FROM outbox AS earlier WHERE earlier.published_at IS NULL \
             AND earlier.subject = candidate.subject AND earlier.version < candidate.version) \
           ORDER BY id LIMIT $2 {unless_taken}) \
         UPDATE outbox SET not_before = $3 WHERE id IN (SELECT id FROM heads) RETURNING id"
    );
    let subjects = i64::try_from(subjects).unwrap_or(i64::MAX);
    let values: [Value; 3] = [now.into(), subjects.into(), (now + lease).into()];
    let heads = txn
        .query_all_raw(Statement::from_sql_and_values(backend, lease_heads, values))
        .await?;
    if heads.is_empty() {
        return Ok(Vec::new());
    }
    let heads: Vec<Uuid> = heads
        .iter()
        .map(|head| head.try_get("", "id"))
        .collect::<Result<_, _>>()?;
    let (these, ids) = one_of(backend, "head.id", 0, heads)?;
    let rows_of_heads = format!(
        "SELECT waiting.id, waiting.subject, waiting.event, waiting.attempts FROM outbox AS head \
         JOIN outbox AS waiting ON waiting.published_at IS NULL AND waiting.subject = head.subject \
         AND waiting.version >= head.version AND waiting.version < head.version + {ROWS_A_RUN} \
         WHERE {these} ORDER BY waiting.subject, waiting.version",
    );
    let statement = Statement::from_sql_and_values(backend, rows_of_heads, ids);
    let rows = Waiting::find_by_statement(statement).all(&**txn).await?;
    Ok(rows
        .chunk_by(|one, next| one.subject == next.subject)
        .map(<[Waiting]>::to_vec)
        .collect())
}

/// Writes down what came of some runs.
pub(super) async fn settle(txn: &Txn, reports: &[Report], now: DateTime<Utc>) -> Result<(), DbErr> {
    let backend = txn.get_database_backend();
    let published: Vec<Uuid> = reports
        .iter()
        .flat_map(|report| report.published.iter().copied())
        .collect();
    for chunk in published.chunks(ROWS_A_STATEMENT) {
        let (these, ids) = one_of(backend, "id", 1, chunk.iter().copied())?;
        let text = format!("UPDATE outbox SET not_before = NULL, last_error = NULL, published_at = $1 WHERE {these}");
        let values = [Value::from(now)].into_iter().chain(ids);
        txn.execute_raw(Statement::from_sql_and_values(backend, text, values))
            .await?;
    }
    for failed in reports.iter().filter_map(|report| report.failed.as_ref()) {
        // Another relay may have published it since, if this one was away for longer than its lease.
        let statement = Statement::from_sql_and_values(
            backend,
            "UPDATE outbox SET attempts = $1, last_error = $2, not_before = $3 WHERE id = $4 AND published_at IS NULL",
            [
                failed.attempts.into(),
                failed.error.as_str().into(),
                failed.not_before.into(),
                failed.id.into(),
            ],
        );
        txn.execute_raw(statement).await?;
    }
    Ok(())
}

/// Deletes at most `rows` that were published before then; says how many.
pub(super) async fn purge(db: &Db, before: DateTime<Utc>, rows: u64) -> Result<u64, DbErr> {
    let txn = db.begin().await?;
    let statement = Statement::from_sql_and_values(
        db.backend(),
        "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE published_at < $1 LIMIT $2)",
        [before.into(), i64::try_from(rows).unwrap_or(i64::MAX).into()],
    );
    let gone = txn.execute_raw(statement).await?.rows_affected();
    txn.commit().await?;
    Ok(gone)
}
