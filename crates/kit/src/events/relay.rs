//! Carries the outbox to the bus: wakes when an event was committed, looks every second all the same, keeps the order of
//! each subject, and goes on by itself after any outage of the database or the bus.
//!
//! Every service that has the tables of the events runs one relay (or more: they share the work); it also purges them.

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt as _, StreamExt as _, stream, stream::FuturesUnordered};
use sea_orm::DbErr;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::{
    Bus, Event, inbox,
    outbox::{self, Failed, Report, Waiting},
};
use crate::{Clock, Db, backoff::Backoff, port::PortError};

/// Subjects on their way to the bus at once.
const SUBJECTS_AT_ONCE: usize = 64;
/// Fewer free places than this are not worth a transaction.
const WORTH_A_CLAIM: usize = 16;
/// Longer than any single publishing; a subject whose relay died is taken over after it.
const LEASE: Duration = Duration::from_secs(15);
/// No event is waited for longer, whatever the bus; what comes of it later is a duplicate, and those are harmless.
const PUBLISH_LIMIT: Duration = Duration::from_secs(10);
/// A transaction of the relay on a database that hangs.
const TURN_LIMIT: Duration = Duration::from_secs(15);
/// What is on its way when the service stops gets this long.
const GRACE: Duration = Duration::from_secs(5);
/// Between two tries of an event that the bus does not take.
const EVENT_REFUSED: Backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(30));
/// Between two looks while the database or the whole bus is away.
const AWAY: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));

/// Between two turns: each is a transaction, and what happens within so short a time goes out with one.
const PACE: Duration = Duration::from_millis(25);
const LOOK_EVERY: Duration = Duration::from_secs(1);
const MEASURE_EVERY: Duration = Duration::from_secs(5);
const PURGE_EVERY: Duration = Duration::from_hours(1);
const ROWS_A_PURGE: u64 = 1000;
/// Bounds one purge; the rest goes with the next.
const BATCHES_A_PURGE: usize = 1000;

/// Carries one service's outbox to the bus.
pub struct Relay {
    service: String,
    db: Db,
    bus: Arc<dyn Bus>,
    clock: Clock,
}

/// The relay's own state between two turns.
struct Turns {
    /// What came of runs and is not written down yet.
    reports: Vec<Report>,
    /// Something may be due.
    look: bool,
    /// How often in a row the database was away, and the bus.
    database_outages: u32,
    bus_outages: u32,
    /// Nothing is looked for before this: an outage is sat out.
    resume_at: Instant,
    /// The next turn is not taken before this, outage or not.
    next_at: Instant,
}

impl Turns {
    fn rests_until(&self) -> Option<Instant> {
        let until = self.resume_at.max(self.next_at);
        (until > Instant::now()).then_some(until)
    }
}

impl Relay {
    pub fn new(service: &str, db: Db, bus: Arc<dyn Bus>, clock: Clock) -> Self {
        Self {
            service: service.to_owned(),
            db,
            bus,
            clock,
        }
    }

    /// Works until told to stop; what is on its way then is brought to its end.
    pub async fn run(&self, stop: CancellationToken) {
        tokio::join!(self.carry(&stop), self.keep_house(&stop));
    }

    /// Publishes all that is due; says how many events that was. Ends early while the bus is away.
    pub async fn drain(&self) -> Result<u64, DbErr> {
        let mut published = 0;
        let mut reports = Vec::new();
        loop {
            let runs = self.turn(&reports, SUBJECTS_AT_ONCE).await?;
            if runs.is_empty() {
                return Ok(published);
            }
            reports = stream::iter(runs)
                .map(|run| self.publish_run(run))
                .buffer_unordered(SUBJECTS_AT_ONCE)
                .collect()
                .await;
            published += reports.iter().map(|report| report.published.len() as u64).sum::<u64>();
            if reports.iter().any(bus_is_away) {
                self.turn(&reports, 0).await?;
                return Ok(published);
            }
        }
    }

    async fn carry(&self, stop: &CancellationToken) {
        let mut under_way = FuturesUnordered::new();
        let mut turns = Turns {
            reports: Vec::new(),
            look: true,
            database_outages: 0,
            bus_outages: 0,
            resume_at: Instant::now(),
            next_at: Instant::now(),
        };
        let mut clockwork = interval(LOOK_EVERY);
        clockwork.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !stop.is_cancelled() {
            let room = SUBJECTS_AT_ONCE - under_way.len();
            let Some(runs) = stop.run_until_cancelled(self.next_runs(&mut turns, room)).await else {
                break;
            };
            under_way.extend(runs.into_iter().map(|run| self.publish_run(run)));
            let rests_until = turns.rests_until();
            tokio::select! {
                Some(report) = under_way.next() => {
                    turns.reports.push(report);
                    while let Some(Some(report)) = under_way.next().now_or_never() {
                        turns.reports.push(report);
                    }
                    self.heed_outage_of_bus(&mut turns);
                }
                () = self.db.told().notified() => turns.look = true,
                _ = clockwork.tick() => turns.look = true,
                () = sleep_until(rests_until.unwrap_or_else(Instant::now)), if rests_until.is_some() => {}
                () = stop.cancelled() => {}
            }
        }
        let _ = timeout(GRACE, async {
            while let Some(report) = under_way.next().await {
                turns.reports.push(report);
            }
        })
        .await;
        // What cannot be written down is published again after the lease: a duplicate.
        let _ = timeout(GRACE, self.turn(&turns.reports, 0)).await;
    }

    /// Writes down what is known and takes what is due, unless there is nothing to do or an outage to sit out.
    async fn next_runs(&self, turns: &mut Turns, room: usize) -> Vec<Vec<Waiting>> {
        let room = if room >= WORTH_A_CLAIM { room } else { 0 };
        let idle = turns.reports.is_empty() && !(turns.look && room > 0);
        if idle || turns.rests_until().is_some() {
            return Vec::new();
        }
        turns.next_at = Instant::now() + PACE;
        match self.turn(&turns.reports, room).await {
            Ok(runs) => {
                turns.reports.clear();
                turns.database_outages = 0;
                turns.look = room == 0 || runs.len() == room;
                runs
            }
            Err(error) => {
                turns.database_outages = turns.database_outages.saturating_add(1);
                turns.resume_at = Instant::now() + AWAY.after(turns.database_outages);
                if turns.database_outages == 1 {
                    tracing::warn!(service = self.service, %error, "the outbox cannot be read, trying again");
                }
                Vec::new()
            }
        }
    }

    fn heed_outage_of_bus(&self, turns: &mut Turns) {
        let Some(away) = turns.reports.iter().find(|report| bus_is_away(report)) else {
            if turns.bus_outages > 0 && turns.reports.iter().any(|report| !report.published.is_empty()) {
                tracing::info!(service = self.service, "events are published again");
                turns.bus_outages = 0;
            }
            return;
        };
        turns.look = true;
        if Instant::now() < turns.resume_at {
            return; // counted already
        }
        turns.bus_outages = turns.bus_outages.saturating_add(1);
        turns.resume_at = Instant::now() + AWAY.after(turns.bus_outages);
        if turns.bus_outages == 1 {
            let error = away.failed.as_ref().map(|failed| failed.error.as_str());
            tracing::warn!(
                service = self.service,
                error,
                "the bus is away, events wait in the outbox"
            );
        }
    }

    /// One transaction: what came of earlier runs, and the next runs. Commits only what changed something.
    async fn turn(&self, reports: &[Report], room: usize) -> Result<Vec<Vec<Waiting>>, DbErr> {
        let work = async {
            let txn = self.db.begin().await?;
            let now = self.clock.now();
            outbox::by_indexes(&txn).await?;
            outbox::settle(&txn, reports, now).await?;
            let lease = chrono::Duration::from_std(LEASE).unwrap_or_default();
            let runs = match room {
                0 => Vec::new(),
                room => outbox::claim(&txn, room, now, lease).await?,
            };
            if !reports.is_empty() || !runs.is_empty() {
                txn.commit().await?;
            }
            Ok(runs)
        };
        let outcome = timeout(TURN_LIMIT, work).await;
        outcome.unwrap_or_else(|_| Err(DbErr::Custom(format!("no answer within {TURN_LIMIT:?}"))))
    }

    /// Publishes the rows of one subject, one after the other, as far as it goes.
    async fn publish_run(&self, run: Vec<Waiting>) -> Report {
        let leased_at = Instant::now();
        let mut report = Report::default();
        for row in run {
            if leased_at.elapsed() + PUBLISH_LIMIT > LEASE {
                break;
            }
            if let Err(error) = self.publish(&row).await {
                report.failed = Some(self.failed(&row, &error));
                break;
            }
            report.published.push(row.id);
        }
        report
    }

    async fn publish(&self, row: &Waiting) -> Result<(), PortError> {
        let event: Event = serde_json::from_str(&row.event).map_err(|error| PortError::Refused {
            port: "bus",
            why: format!("the row is no event: {error}"),
        })?;
        crate::port::within("bus", PUBLISH_LIMIT, self.bus.publish(&event)).await
    }

    fn failed(&self, row: &Waiting, error: &PortError) -> Failed {
        let id = row.id;
        if matches!(error, PortError::Unavailable { .. }) {
            return Failed {
                id,
                attempts: row.attempts,
                error: error.to_string(),
                not_before: None,
            };
        }
        let attempts = row.attempts.saturating_add(1);
        tracing::warn!(service = self.service, event = %id, attempts, %error, "an event is not published");
        metrics::counter!("outbox_publish_failures_total", "service" => self.service.clone()).increment(1);
        let wait = EVENT_REFUSED.after(attempts.unsigned_abs());
        let not_before = self.clock.now() + chrono::Duration::from_std(wait).unwrap_or_default();
        Failed {
            id,
            attempts,
            error: error.to_string(),
            not_before: Some(not_before),
        }
    }

    async fn keep_house(&self, stop: &CancellationToken) {
        let mut measure = interval(MEASURE_EVERY);
        let mut purge = interval(PURGE_EVERY);
        measure.set_missed_tick_behavior(MissedTickBehavior::Delay);
        purge.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let outcome = tokio::select! {
                _ = measure.tick() => self.measure().await,
                _ = purge.tick() => self.purge().await.map(drop),
                () = stop.cancelled() => return,
            };
            if let Err(error) = outcome {
                tracing::debug!(service = self.service, %error, "the outbox could not be measured or purged");
            }
        }
    }

    async fn measure(&self) -> Result<(), DbErr> {
        let backlog = outbox::backlog(&self.db).await?;
        let lag = backlog
            .oldest
            .map_or(0, |oldest| (self.clock.now() - oldest).num_milliseconds().max(0));
        #[expect(clippy::cast_precision_loss, reason = "a figure for a graph")]
        let (waiting, lag) = (backlog.waiting as f64, lag as f64 / 1000.0);
        metrics::gauge!("outbox_unpublished", "service" => self.service.clone()).set(waiting);
        metrics::gauge!("outbox_lag_seconds", "service" => self.service.clone()).set(lag);
        Ok(())
    }

    /// Deletes what is past its time in outbox and inbox, in small transactions; says how many rows.
    pub async fn purge(&self) -> Result<u64, DbErr> {
        let now = self.clock.now();
        let mut gone = 0;
        for _ in 0..BATCHES_A_PURGE {
            let published = outbox::purge(&self.db, now - outbox::KEPT, ROWS_A_PURGE).await?;
            let applied = inbox::purge(&self.db, now - inbox::KEPT, ROWS_A_PURGE).await?;
            gone += published + applied;
            if published < ROWS_A_PURGE && applied < ROWS_A_PURGE {
                break;
            }
        }
        Ok(gone)
    }
}

/// The run ended because the bus takes nothing at all at the moment.
fn bus_is_away(report: &Report) -> bool {
    report.failed.as_ref().is_some_and(|failed| failed.not_before.is_none())
}
