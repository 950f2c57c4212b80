//! Events that a consumer could not apply: the operator lists them, looks at one, and gives them back to the consumer.
//!
//! RabbitMQ keeps them in `<queue>.parked`; the memory bus in the table `parked` of the consumer's own database, where
//! they also outlive the process. [`super::Bus::parked`] and [`super::Bus::replay`] work on both.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait as _, DbErr, FromQueryResult, Statement, Value};
use serde::Serialize;
use uuid::Uuid;

use super::{Event, consumer::Failure};
use crate::Db;

/// No list is longer.
pub const MOST: usize = 1000;

/// Where a consumer's parked events are.
#[derive(Clone)]
pub struct Shelf {
    pub consumer: String,
    pub db: Db,
}

/// Which parked events are meant.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Which {
    All,
    /// The one with this id.
    One(String),
}

/// An event that a consumer could not apply.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Parked {
    /// The event's id.
    pub id: String,
    pub consumer: String,
    /// The event; a plain text where the message is none.
    pub event: serde_json::Value,
    pub error: String,
    pub tries: u32,
    pub first_failed_at: Option<DateTime<Utc>>,
    pub last_failed_at: Option<DateTime<Utc>>,
    /// Given back, and not taken by the consumer yet.
    pub replay_requested: bool,
}

/// A message as JSON, or as text where it is no JSON.
pub(super) fn readable(body: &[u8]) -> serde_json::Value {
    serde_json::from_slice(body).unwrap_or_else(|_| String::from_utf8_lossy(body).into_owned().into())
}

#[derive(FromQueryResult)]
struct Row {
    event_id: Uuid,
    event: String,
    error: String,
    tries: i32,
    first_failed_at: DateTime<Utc>,
    last_failed_at: DateTime<Utc>,
    replay_requested: bool,
}

/// Puts an event on the shelf; once more, if it is there already.
pub(super) async fn put(shelf: &Shelf, event: &Event, failure: &Failure) -> Result<(), DbErr> {
    let text = serde_json::to_string(event).map_err(|error| DbErr::Json(error.to_string()))?;
    let values: [Value; 8] = [
        shelf.consumer.as_str().into(),
        event.id.into(),
        text.into(),
        failure.error.as_str().into(),
        i32::try_from(failure.tries).unwrap_or(i32::MAX).into(),
        failure.first_failed_at.into(),
        failure.last_failed_at.into(),
        false.into(),
    ];
    let statement = "INSERT INTO parked \
         (consumer, event_id, event, error, tries, first_failed_at, last_failed_at, replay_requested) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (consumer, event_id) DO UPDATE SET \
         error = excluded.error, tries = parked.tries + excluded.tries, \
         last_failed_at = excluded.last_failed_at, replay_requested = excluded.replay_requested";
    write(&shelf.db, statement, values).await.map(drop)
}

/// Whether an event lies on the shelf.
pub(super) async fn holds(shelf: &Shelf, event: Uuid) -> Result<bool, DbErr> {
    let statement = Statement::from_sql_and_values(
        shelf.db.backend(),
        "SELECT 1 FROM parked WHERE consumer = $1 AND event_id = $2",
        [shelf.consumer.as_str().into(), event.into()],
    );
    Ok(shelf.db.reader().query_one_raw(statement).await?.is_some())
}

/// Takes an event from the shelf: it is applied.
pub(super) async fn remove(shelf: &Shelf, event: Uuid) -> Result<(), DbErr> {
    let values: [Value; 2] = [shelf.consumer.as_str().into(), event.into()];
    let statement = "DELETE FROM parked WHERE consumer = $1 AND event_id = $2";
    write(&shelf.db, statement, values).await.map(drop)
}

/// What lies on the shelf, oldest first.
pub(super) async fn list(shelf: &Shelf, which: &Which) -> Result<Vec<Parked>, DbErr> {
    let statement = Statement::from_sql_and_values(
        shelf.db.backend(),
        format!(
            "SELECT * FROM parked WHERE consumer = $1 AND (event_id = $2 OR $2 IS NULL) \
             ORDER BY first_failed_at, event_id LIMIT {MOST}"
        ),
        [shelf.consumer.as_str().into(), id_of(which).into()],
    );
    let rows = Row::find_by_statement(statement).all(shelf.db.reader()).await?;
    Ok(rows.into_iter().map(|row| row.into_parked(&shelf.consumer)).collect())
}

/// Marks events for another round of tries; the running consumer, or the next that runs, takes them.
pub(super) async fn request_replay(shelf: &Shelf, which: &Which) -> Result<u64, DbErr> {
    let values: [Value; 3] = [true.into(), shelf.consumer.as_str().into(), id_of(which).into()];
    let statement = "UPDATE parked SET replay_requested = $1 WHERE consumer = $2 AND (event_id = $3 OR $3 IS NULL)";
    write(&shelf.db, statement, values).await
}

/// What is marked, a few at a time.
pub(super) async fn to_replay(shelf: &Shelf, at_most: usize) -> Result<Vec<Event>, DbErr> {
    let statement = Statement::from_sql_and_values(
        shelf.db.backend(),
        format!(
            "SELECT * FROM parked WHERE consumer = $1 AND replay_requested = $2 \
             ORDER BY event_id LIMIT {at_most}"
        ),
        [shelf.consumer.as_str().into(), true.into()],
    );
    let rows = Row::find_by_statement(statement).all(shelf.db.reader()).await?;
    rows.iter()
        .map(|row| serde_json::from_str(&row.event).map_err(|error| DbErr::Json(error.to_string())))
        .collect()
}

/// The condition on the id; none for everything.
fn id_of(which: &Which) -> Option<Uuid> {
    match which {
        Which::All => None,
        // What is no id is the id of nothing.
        Which::One(id) => Some(Uuid::parse_str(id).unwrap_or(Uuid::nil())),
    }
}

async fn write(db: &Db, statement: &str, values: impl IntoIterator<Item = Value>) -> Result<u64, DbErr> {
    let txn = db.begin().await?;
    let statement = Statement::from_sql_and_values(db.backend(), statement, values);
    let rows = txn.execute_raw(statement).await?.rows_affected();
    txn.commit().await?;
    Ok(rows)
}

impl Row {
    fn into_parked(self, consumer: &str) -> Parked {
        Parked {
            id: self.event_id.to_string(),
            consumer: consumer.to_owned(),
            event: readable(self.event.as_bytes()),
            error: self.error,
            tries: self.tries.unsigned_abs(),
            first_failed_at: Some(self.first_failed_at),
            last_failed_at: Some(self.last_failed_at),
            replay_requested: self.replay_requested,
        }
    }
}
