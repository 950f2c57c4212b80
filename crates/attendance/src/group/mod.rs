//! Tries that arrive together are stored together: one transaction, one wait for the disk, and each caller told their own
//! outcome.
//!
//! One task stores; the next batch gathers while it does, so that nothing waits when there is little to do. In a crowd a batch
//! waits some milliseconds for company where little came since the last one, and is not told by itself. Whatever was accepted is
//! stored before the task ends.

mod batch;

use std::{
    collections::HashSet,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, NaiveDate, Utc};
use kit::{Clock, Db, Fault, db};
use sea_orm::{DbErr, RuntimeErr};
use tokio::{
    sync::{Notify, mpsc, oneshot},
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use batch::Telling;
pub(crate) use batch::{Entry, Stored, Wish};

use crate::{
    Config, Error,
    operations::App,
    store::partitions::{make_room, month_of},
    telling,
};

/// The same code within this time gets the same answer.
pub(crate) const SAME_ANSWER: chrono::Duration = chrono::Duration::minutes(1);
/// Batches of fewer tries are no crowd: the next one waits for nobody.
const CROWD: usize = 16;
/// For so long a batch waits for company, give or take a tick of the timer.
const COMPANY: Duration = Duration::from_millis(6);
/// A transaction that takes longer is given up.
const LIMIT: Duration = Duration::from_secs(10);

/// Where tries wait to be stored.
pub(crate) struct Group {
    waiting: mpsc::Sender<Waiting>,
    taken: tokio::sync::Mutex<mpsc::Receiver<Waiting>>,
    company: Company,
    batch: usize,
    /// The months that have room in the database.
    months: Mutex<HashSet<NaiveDate>>,
    /// The roll calls in which batches marked somebody and left it to others to tell.
    untold: Mutex<HashSet<Uuid>>,
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
            company: Company::default(),
            batch: usize::try_from(config.batch).unwrap_or(1).max(1),
            months: Mutex::default(),
            untold: Mutex::default(),
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
        self.company.came(&self.waiting);
        Ok(Receipt(outcome))
    }

    /// Stores what waits, until told to stop and nothing waits any more.
    pub(crate) async fn run(&self, app: &App, stop: &CancellationToken) {
        let mut taken = self.taken.lock().await;
        let mut batch = Vec::with_capacity(self.batch);
        let mut pace = Pace::new();
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
                self.tell_what_was_left(app).await;
                return;
            }
            let company = pace.company();
            self.company.gather(&mut taken, &mut batch, company, self.batch).await;
            let size = batch.len();
            let telling = if company == 0 { Telling::Now } else { Telling::Later };
            self.store_and_answer(app, std::mem::take(&mut batch), telling).await;
            pace.told(size);
        }
    }

    /// Tells whom batches marked that left that for later; whether that went well.
    pub(crate) async fn tell_what_was_left(&self, app: &App) -> bool {
        let left: Vec<Uuid> = std::mem::take(&mut *self.untold()).into_iter().collect();
        let told = telling::tell(&app.db, &app.clock, &left).await;
        if let Err(error) = &told {
            tracing::warn!(%error, "whom scans marked could not be told, trying again");
            self.untold().extend(left);
        }
        told.is_ok()
    }

    async fn store_and_answer(&self, app: &App, batch: Vec<Waiting>, telling: Telling) {
        // Whoever asked is gone; what they sent is a try all the same.
        let (entries, told): (Vec<Entry>, Vec<_>) = batch.into_iter().map(|one| (one.entry, one.told)).unzip();
        metrics::histogram!("attendance_batch_scans").record(u32::try_from(entries.len()).unwrap_or(u32::MAX));
        match self.commit(&app.db, &app.clock, &entries, telling).await {
            Ok(stored) => {
                if telling == Telling::Later {
                    let marked = entries.iter().zip(&stored);
                    let marked = marked.filter(|(_, stored)| **stored == Stored::Marked);
                    self.untold()
                        .extend(marked.filter_map(|(entry, _)| entry.scan.session_id));
                }
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
    async fn commit(&self, db: &Db, clock: &Clock, entries: &[Entry], telling: Telling) -> Result<Vec<Stored>, DbErr> {
        match self.try_to_commit(db, clock, entries, telling).await {
            Err(error) if is_passing(&error) => self.try_to_commit(db, clock, entries, telling).await,
            outcome => outcome,
        }
    }

    async fn try_to_commit(
        &self,
        db: &Db,
        clock: &Clock,
        entries: &[Entry],
        telling: Telling,
    ) -> Result<Vec<Stored>, DbErr> {
        let work = async {
            let txn = db.begin().await?;
            let months = self.new_months(entries);
            for month in &months {
                make_room(&*txn, *month).await?;
            }
            let stored = batch::store_in_txn(&txn, clock, entries, telling).await?;
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

    fn untold(&self) -> MutexGuard<'_, HashSet<Uuid>> {
        self.untold.lock().unwrap_or_else(PoisonError::into_inner)
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

/// How large the last two batches were, and when the last was told its outcomes.
struct Pace {
    last_two: [usize; 2],
    told_at: Instant,
}

impl Pace {
    fn new() -> Self {
        Self {
            last_two: [0, 0],
            told_at: Instant::now(),
        }
    }

    /// How many tries the next batch should have: nearly as many as the last two had on average, unless that is no crowd.
    fn company(&mut self) -> usize {
        // Whoever comes after a pause is alone, however many there were before it.
        if self.told_at.elapsed() > COMPANY {
            self.last_two = [0, 0];
        }
        let usual = usize::midpoint(self.last_two[0], self.last_two[1]);
        if usual < CROWD { 0 } else { usual * 4 / 5 }
    }

    fn told(&mut self, size: usize) {
        self.last_two = [self.last_two[1], size];
        self.told_at = Instant::now();
    }
}

/// Whom a batch waits for.
#[derive(Default)]
struct Company {
    /// So many are enough; nobody waits for any where it is 0.
    wanted: AtomicUsize,
    enough: Notify,
}

impl Company {
    /// Somebody came.
    fn came<T>(&self, waiting: &mpsc::Sender<T>) {
        let wanted = self.wanted.load(Ordering::SeqCst);
        if wanted != 0 && waiting.max_capacity() - waiting.capacity() >= wanted {
            self.enough.notify_one();
        }
    }

    /// Waits a moment until so many are there, and takes those who are, up to `most`. A batch costs a transaction whether it is
    /// of two or of eighty: small ones between large ones keep everybody longer than they wait for each other.
    async fn gather<T>(&self, taken: &mut mpsc::Receiver<T>, batch: &mut Vec<T>, company: usize, most: usize) {
        let wanted = company.min(most).saturating_sub(batch.len());
        if taken.len() < wanted && !taken.is_closed() {
            self.wanted.store(wanted, Ordering::SeqCst);
            let until = Instant::now() + COMPANY;
            while taken.len() < wanted && timeout_at(until, self.enough.notified()).await.is_ok() {}
            self.wanted.store(0, Ordering::SeqCst);
        }
        if !taken.is_empty() {
            taken.recv_many(batch, most.saturating_sub(batch.len())).await;
        }
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

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    /// The timer's grain.
    const TICK: Duration = Duration::from_millis(1);

    /// What a batch that begins with one has in the end, and how long it waited: so many are there, so many come after 3 ms.
    async fn gathered(there: usize, come: usize, company: usize, most: usize) -> (usize, Duration) {
        let (give, mut taken) = mpsc::channel(1000);
        let waits = Company::default();
        let hand_in = || {
            give.try_send(()).unwrap();
            waits.came(&give);
        };
        (0..there).for_each(|_| hand_in());
        let later = async {
            sleep(Duration::from_millis(3)).await;
            (0..come).for_each(|_| hand_in());
        };
        let begun = Instant::now();
        let mut batch = vec![()];
        let gathering = async {
            waits.gather(&mut taken, &mut batch, company, most).await;
            begun.elapsed()
        };
        let (waited, ()) = tokio::join!(gathering, later);
        (batch.len(), waited)
    }

    /// What is wanted after batches of these sizes, and some time.
    async fn wanted_after(sizes: &[usize], pause: Duration) -> [usize; 2] {
        let mut pace = Pace::new();
        for size in sizes {
            pace.told(*size);
        }
        sleep(pause).await;
        let wanted = pace.company();
        pace.told(1);
        [wanted, pace.company()]
    }

    #[tokio::test(start_paused = true)]
    async fn only_in_a_crowd_is_company_wanted() {
        for few in [&[][..], &[1, 1], &[15, 16], &[100, 99, 0, 31]] {
            assert_eq!(wanted_after(few, Duration::ZERO).await[0], 0, "{few:?}");
        }
        assert_eq!(wanted_after(&[1, 16, 16], Duration::ZERO).await, [12, 0]);
        assert_eq!(wanted_after(&[99, 1], Duration::ZERO).await, [40, 0]);
        assert_eq!(wanted_after(&[100, 100], COMPANY).await, [80, 40]);
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_pause_nobody_waits() {
        assert_eq!(wanted_after(&[100, 100], COMPANY + TICK).await, [0, 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn where_nobody_is_wanted_nobody_waits() {
        assert_eq!(gathered(0, 50, 0, 60).await, (1, Duration::ZERO));
        assert_eq!(gathered(7, 50, 0, 60).await, (8, Duration::ZERO));
        assert_eq!(gathered(39, 50, 40, 60).await, (40, Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_waits_for_its_company_and_not_much_longer() {
        let (size, waited) = gathered(5, 44, 40, 60).await;
        assert_eq!(size, 50);
        assert!(waited <= Duration::from_millis(3) + TICK, "{waited:?}");
        let (size, waited) = gathered(5, 20, 40, 60).await;
        assert_eq!(size, 26);
        assert!(waited >= COMPANY && waited <= COMPANY + TICK, "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_takes_no_more_than_it_may() {
        assert_eq!(gathered(300, 0, 200, 60).await, (60, Duration::ZERO));
        assert_eq!(gathered(0, 0, 200, 1).await, (1, Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_those_who_cannot_come_any_more() {
        let (give, mut taken) = mpsc::channel(10);
        give.try_send(()).unwrap();
        taken.close();
        let (begun, mut batch) = (Instant::now(), Vec::new());
        Company::default().gather(&mut taken, &mut batch, 5, 60).await;
        assert_eq!((batch.len(), begun.elapsed()), (1, Duration::ZERO));
    }
}
