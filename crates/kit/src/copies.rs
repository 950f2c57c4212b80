//! Copies of another service's records: all of them read over one stream, before the first event was heard and after one of the two
//! databases was lost. From there on events keep a copy right.

use std::time::Duration;

use crate::upstream::Channel;
use sea_orm::{ConnectionTrait as _, DbErr};
use sea_orm_migration::{
    SchemaManager,
    prelude::{ColumnDef, Table},
    schema,
};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::{Response, Status, Streaming};

use crate::{Clock, Db, backoff::Backoff, db, upstream::Upstreams};

/// For so long the next record is waited for.
const SILENCE: Duration = Duration::from_secs(30);
/// So many at a time, in one transaction.
const A_BATCH: usize = 500;
const BETWEEN_TRIES: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(30));

/// Why records could not be read.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    #[error("no way to the service {0}: give its address as upstreams.{0}, for example http://{0}:9000")]
    NoWay(&'static str),
    #[error("the service {0} said nothing for {silence:?}", silence = SILENCE)]
    Silent(&'static str),
    #[error("the records of the service {service} cannot be read: {} ({:?})", .status.message(), .status.code())]
    Broken { service: &'static str, status: Status },
}

/// The way to a service whose records are read.
pub fn way(upstreams: &Upstreams, service: &'static str) -> Result<Channel, CopyError> {
    upstreams.channel_for_streams(service).ok_or(CopyError::NoWay(service))
}

/// Copies that a service fills together.
pub struct Copies {
    number: i16,
    what: &'static str,
}

impl Copies {
    /// `number` is theirs alone in their service, for ever.
    pub const fn new(number: i16, what: &'static str) -> Self {
        Self { number, what }
    }

    /// Fills them where they were never filled, as soon as the services answer; until told to stop. `read` reads all records, notes
    /// it, and says how many there were.
    pub async fn fill<F>(&self, db: &Db, stop: &CancellationToken, read: impl Fn() -> F)
    where
        F: Future<Output = anyhow::Result<u64>>,
    {
        let what = self.what;
        let mut failures = 0;
        while !stop.is_cancelled() {
            let error = match self.try_fill(db, &read).await {
                Ok(None) => return,
                Ok(Some(count)) => return tracing::info!(count, "{what} copied"),
                Err(error) => error,
            };
            if let Some(CopyError::NoWay(_)) = error.downcast_ref() {
                // None will come: a process knows its ways from the start.
                return tracing::warn!("{error}; nothing is known of {what} but what events tell");
            }
            failures += 1;
            let wait = BETWEEN_TRIES.after(failures);
            tracing::warn!("{what} could not be copied, trying again in {wait:?}: {error:#}");
            stop.run_until_cancelled(tokio::time::sleep(wait)).await;
        }
    }

    async fn try_fill<F>(&self, db: &Db, read: &impl Fn() -> F) -> anyhow::Result<Option<u64>>
    where
        F: Future<Output = anyhow::Result<u64>>,
    {
        if self.is_filled(db).await? {
            return Ok(None);
        }
        read().await.map(Some)
    }

    async fn is_filled(&self, db: &Db) -> Result<bool, DbErr> {
        let sql = "SELECT one FROM copies_filled WHERE one = $1";
        let statement = db::statement(db.reader(), sql, [self.number.into()]);
        Ok(db.reader().query_one_raw(statement).await?.is_some())
    }

    /// Notes that they were filled: from now on events keep them right.
    pub async fn note_filled(&self, db: &Db, clock: &Clock) -> Result<(), DbErr> {
        let sql = "INSERT INTO copies_filled (one, filled_at) VALUES ($1, $2) \
                   ON CONFLICT (one) DO UPDATE SET filled_at = excluded.filled_at";
        let txn = db.begin().await?;
        db::execute(&*txn, sql, [self.number.into(), clock.now().into()]).await?;
        txn.commit().await
    }
}

/// Makes the table that says which copies were filled, in the migration of the service that keeps them.
pub async fn create_table(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table
        .table("copies_filled")
        .col(ColumnDef::new("one").small_integer().not_null().primary_key())
        .col(schema::timestamp_with_time_zone("filled_at"));
    manager.create_table(table).await
}

/// Records of another service, one after the other.
pub struct Records<T> {
    service: &'static str,
    stream: Streaming<T>,
    count: u64,
}

impl<T> Records<T> {
    /// What a service answers to a request for all of its records.
    pub async fn of(
        service: &'static str,
        answer: impl Future<Output = Result<Response<Streaming<T>>, Status>>,
    ) -> Result<Self, CopyError> {
        Ok(Self {
            service,
            stream: before_silence(service, answer).await?.into_inner(),
            count: 0,
        })
    }

    /// The next record; `None` after the last.
    pub async fn next(&mut self) -> Result<Option<T>, CopyError> {
        let next = before_silence(self.service, self.stream.message()).await?;
        self.count += u64::from(next.is_some());
        Ok(next)
    }

    /// The next records, as many as are kept in one transaction; `None` after the last.
    pub async fn batch(&mut self) -> Result<Option<Vec<T>>, CopyError> {
        let mut batch = Vec::new();
        while batch.len() < A_BATCH
            && let Some(record) = self.next().await?
        {
            batch.push(record);
        }
        Ok(Some(batch).filter(|batch| !batch.is_empty()))
    }

    /// How many there were so far.
    pub fn count(&self) -> u64 {
        self.count
    }
}

async fn before_silence<T>(
    service: &'static str,
    answer: impl Future<Output = Result<T, Status>>,
) -> Result<T, CopyError> {
    let answer = timeout(SILENCE, answer).await.map_err(|_| CopyError::Silent(service))?;
    answer.map_err(|status| CopyError::Broken { service, status })
}
