//! Tries that arrive together are stored together: one transaction, one wait for the disk, and each caller told their own
//! outcome.
//!
//! One task stores; the next batch gathers while it does, so that nothing waits when there is little to do. Whatever was
//! accepted is stored before the task ends.

mod batch;

use std::{collections::HashSet, sync::PoisonError, time::Duration};

use chrono::{DateTime, NaiveDate, Utc};
use kit::{Clock, Db, Fault, db};
use sea_orm::{DbErr, RuntimeErr};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub(crate) use batch::{Entry, Stored, Wish};

use crate::{
    Config, Error,
    operations::App,
    store::partitions::{make_room, month_of},
};

/// The same code within this time gets the same answer.
pub(crate) const SAME_ANSWER: chrono::Duration = chrono::Duration::minutes(1);
/// A transaction that takes longer is given up.
const LIMIT: Duration = Duration::from_secs(10);

/// Where tries wait to be stored.
pub(crate) struct Group {
    waiting: mpsc::Sender<Waiting>,
    taken: tokio::sync::Mutex<mpsc::Receiver<Waiting>>,
    batch: usize,
    /// The months that have room in the database.
    months: std::sync::Mutex<HashSet<NaiveDate>>,
}

/// Where the outcome of a try will be told.
pub(crate) struct Receipt(oneshot::Receiver<Result<Stored, Fault>>);

struct Waiting {
    entry: Entry,
    told: oneshot::Sender<Result<Stored, Fault>>,
}

impl Group {
    pub(crate) fn new(config: &Config) -> Self {
        let (waiting, taken) = mpsc::channel(usize::try_from(config.queue).unwrap_or(1).max(1));
        Self {
            waiting,
            taken: tokio::sync::Mutex::new(taken),
            batch: usize::try_from(config.batch).unwrap_or(1).max(1),
            months: std::sync::Mutex::default(),
        }
    }

    /// Stores a try with those that wait beside it, and says what came of it. A full queue is told at once; tries that are
    /// refused anyway find it full when it is half full, so that they take no place from those that count.
    pub(crate) async fn store(&self, entry: Entry) -> Result<Stored, Error> {
        self.submit(entry)?.outcome().await
    }

    /// The same in two steps, for several tries whose order matters: they are stored in the order in which they are handed in.
    pub(crate) fn submit(&self, entry: Entry) -> Result<Receipt, Error> {
        let full = || Fault::unavailable("Very many scans are coming in at the moment, try again shortly");
        if matches!(entry.wish, Wish::Keep(_)) && self.waiting.capacity() < self.waiting.max_capacity() / 2 {
            return Err(full().into());
        }
        let (told, outcome) = oneshot::channel();
        self.waiting.try_send(Waiting { entry, told }).map_err(|_| full())?;
        Ok(Receipt(outcome))
    }

    /// Stores what waits, until told to stop and nothing waits any more.
    pub(crate) async fn run(&self, app: &App, stop: &CancellationToken) {
        let mut taken = self.taken.lock().await;
        let mut batch = Vec::with_capacity(self.batch);
        loop {
            let more = tokio::select! {
                biased;
                more = taken.recv_many(&mut batch, self.batch) => more,
                () = stop.cancelled(), if !taken.is_closed() => {
                    taken.close();
                    continue;
                }
            };
            if more == 0 {
                return;
            }
            self.store_and_tell(app, std::mem::take(&mut batch)).await;
        }
    }

    async fn store_and_tell(&self, app: &App, batch: Vec<Waiting>) {
        // Whoever asked is gone; what they sent is a try all the same.
        let (entries, told): (Vec<Entry>, Vec<_>) = batch.into_iter().map(|one| (one.entry, one.told)).unzip();
        metrics::histogram!("attendance_batch_scans").record(u32::try_from(entries.len()).unwrap_or(u32::MAX));
        match self.commit(&app.db, &app.clock, &entries).await {
            Ok(stored) => {
                let touched: HashSet<Uuid> = entries.iter().filter_map(|entry| entry.scan.session_id).collect();
                for session in touched {
                    app.happened.ring(session);
                }
                for (told, stored) in told.into_iter().zip(stored) {
                    let (outcome, _) = stored.kept();
                    metrics::counter!("attendance_scans_total", "outcome" => outcome.as_str()).increment(1);
                    // Nobody may be listening any more.
                    drop(told.send(Ok(stored)));
                }
            }
            Err(error) => {
                let fault = db::fault(&error);
                for told in told {
                    drop(told.send(Err(fault.clone())));
                }
            }
        }
    }

    /// Stores a batch, twice where the first time another transaction was in the way.
    async fn commit(&self, db: &Db, clock: &Clock, entries: &[Entry]) -> Result<Vec<Stored>, DbErr> {
        match self.try_to_commit(db, clock, entries).await {
            Err(error) if is_passing(&error) => self.try_to_commit(db, clock, entries).await,
            outcome => outcome,
        }
    }

    async fn try_to_commit(&self, db: &Db, clock: &Clock, entries: &[Entry]) -> Result<Vec<Stored>, DbErr> {
        let work = async {
            let txn = db.begin().await?;
            let months = self.new_months(entries);
            for month in &months {
                make_room(&*txn, *month).await?;
            }
            let stored = batch::store_in_txn(&txn, clock, entries).await?;
            txn.commit().await?;
            self.months
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .extend(months);
            Ok(stored)
        };
        let given_up = |_| {
            let why = sea_orm::sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());
            Err(DbErr::Exec(RuntimeErr::SqlxError(why.into())))
        };
        tokio::time::timeout(LIMIT, work).await.unwrap_or_else(given_up)
    }

    /// The months of these tries for which no room was seen yet.
    fn new_months(&self, entries: &[Entry]) -> Vec<NaiveDate> {
        let known = self.months.lock().unwrap_or_else(PoisonError::into_inner);
        let mut new: Vec<NaiveDate> = entries.iter().map(|entry| month_of(entry.scan.day)).collect();
        new.sort_unstable();
        new.dedup();
        new.retain(|month| !known.contains(month));
        new
    }
}

impl Receipt {
    /// Waits until the try is stored, or is not.
    pub(crate) async fn outcome(self) -> Result<Stored, Error> {
        let lost = |_| Err(Fault::unavailable("The scan could not be stored, try again shortly"));
        Ok(self.0.await.unwrap_or_else(lost)?)
    }
}

/// Whether the same transaction may well succeed now: a deadlock, a serialization failure, a busy file.
fn is_passing(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause))) = error else {
        return false;
    };
    let code = cause
        .as_database_error()
        .and_then(sea_orm::sqlx::error::DatabaseError::code);
    code.is_some_and(|code| ["40001", "40P01", "5"].contains(&&*code))
}

/// What was there before a scan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct First {
    pub scan_id: Uuid,
    pub scanned_at: DateTime<Utc>,
    pub distance_meters: Option<f64>,
}
