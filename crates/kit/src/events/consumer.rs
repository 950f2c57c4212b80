//! A consumer of events: one try is one transaction with the inbox row and the effect; after five tries an event is
//! parked. Events of different subjects that come together may be applied together.

use std::{
    any::Any,
    fmt::Display,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;
use sea_orm::DbErr;
use tokio::{
    sync::{Semaphore, oneshot},
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use uuid::Uuid;

use super::{Event, inbox, parked::Shelf};
use crate::{Clock, Db, backoff::Backoff, db::Txn, telemetry};

/// So often an event is tried before it is parked.
pub(super) const TRIES: u32 = 5;
/// Events that a consumer holds at once, worked on or waiting.
pub(super) const HELD: usize = 64;
/// Transactions of one consumer at once: the database's connections are there for requests too.
const APPLYING: usize = 4;
/// Between two transactions of a consumer that takes events together: what comes within so short a time goes into one.
const PACE: Duration = Duration::from_millis(10);
/// A try that takes longer has failed.
const APPLY_LIMIT: Duration = Duration::from_secs(15);
const BETWEEN_TRIES: Backoff = Backoff::new(Duration::from_millis(400), Duration::from_secs(5));
const DATABASE_AWAY: Backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(5));

/// What a service does on events of others.
#[async_trait]
pub trait Hear: Send + Sync {
    /// Has its effect in `txn` and nowhere else: whether it happened is decided by the commit. May be called again for the
    /// same event after a failure, never after a success.
    async fn apply(&self, txn: &Txn, event: &Event) -> Result<(), Heard>;

    /// The same for events of different subjects, where the consumer takes them [`Consumer::together`]: all, or none.
    async fn apply_all(&self, txn: &Txn, events: &[&Event]) -> Result<(), Heard> {
        for event in events {
            self.apply(txn, event).await?;
        }
        Ok(())
    }
}

/// Why an event was not applied.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Heard {
    /// It may go better in a moment.
    #[error("{0}")]
    Retry(String),
    /// It will never go; the event is parked at once.
    #[error("{0}")]
    Fail(String),
}

impl Heard {
    /// It failed, and may go better in a moment.
    pub fn again(why: impl Display) -> Self {
        Self::Retry(why.to_string())
    }

    /// It cannot be understood.
    pub fn never(why: impl Display) -> Self {
        Self::Fail(why.to_string())
    }

    /// It says nothing of what all events of its type are about.
    pub fn lacks(what: &str) -> Self {
        Self::Fail(format!("the event names no {what}"))
    }

    /// Nobody subscribed to it.
    pub fn unexpected(event: &Event) -> Self {
        Self::Fail(format!("an event of the type {} was not expected", event.kind))
    }
}

impl From<DbErr> for Heard {
    fn from(error: DbErr) -> Self {
        Self::Retry(error.to_string())
    }
}

/// Who wants which events: `audit`, `#`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Subscription {
    pub consumer: String,
    /// Patterns over event types: `*` stands for one word between dots, `#` for any number.
    pub topics: Vec<String>,
}

impl Subscription {
    pub fn new(consumer: &str, topics: &[&str]) -> Self {
        Self {
            consumer: consumer.to_owned(),
            topics: topics.iter().map(|&topic| topic.to_owned()).collect(),
        }
    }
}

/// A subscription with somebody behind it. Cheap to clone.
#[derive(Clone)]
pub struct Consumer {
    subscription: Subscription,
    db: Db,
    clock: Clock,
    hear: Arc<dyn Hear>,
    applying: Arc<Semaphore>,
    gathering: Option<Arc<Gathering>>,
}

/// Where events wait for the next transaction, which takes all.
struct Gathering {
    waiting: Mutex<Vec<Waiting>>,
    /// Whose turn it is, and when the last one began.
    turn: tokio::sync::Mutex<Instant>,
}

struct Waiting {
    event: Arc<Event>,
    told: oneshot::Sender<Try>,
}

/// How working on an event ended.
pub(super) enum Outcome {
    /// It is applied, now or earlier.
    Done,
    /// It could not be applied and is to be parked.
    Poison(Failure),
    /// Told to stop before the end.
    Stopped,
}

/// Why an event is parked.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) error: String,
    pub(super) tries: u32,
    pub(super) first_failed_at: DateTime<Utc>,
    pub(super) last_failed_at: DateTime<Utc>,
}

/// How one try ended.
#[derive(Clone)]
enum Try {
    Applied,
    /// The database is not there; this says nothing about the event.
    Away(String),
    Failed(Heard),
}

impl Consumer {
    pub fn new(subscription: Subscription, db: Db, clock: Clock, hear: Arc<dyn Hear>) -> Self {
        Self {
            subscription,
            db,
            clock,
            hear,
            applying: Arc::new(Semaphore::new(APPLYING)),
            gathering: None,
        }
    }

    /// Events that wait go into one transaction. For effects that are small, many, and in the database alone.
    #[must_use]
    pub fn together(self) -> Self {
        let gathering = Gathering {
            waiting: Mutex::default(),
            turn: tokio::sync::Mutex::new(Instant::now()),
        };
        Self {
            gathering: Some(Arc::new(gathering)),
            ..self
        }
    }

    pub fn subscription(&self) -> &Subscription {
        &self.subscription
    }

    pub(super) fn name(&self) -> &str {
        &self.subscription.consumer
    }

    /// Where what it could not apply lies.
    pub fn shelf(&self) -> Shelf {
        Shelf {
            consumer: self.subscription.consumer.clone(),
            db: self.db.clone(),
        }
    }

    /// Tries until the event is applied, has failed too often, or it is time to stop. `before` counts tries of earlier
    /// deliveries; one is always left.
    pub(super) async fn work(&self, event: &Arc<Event>, before: u32, stop: &CancellationToken) -> Outcome {
        let mut tries = before.min(TRIES - 1);
        let mut first_failed_at = None;
        let mut outages = 0_u32;
        loop {
            let wait = match self.try_once(event).await {
                Try::Applied => return Outcome::Done,
                Try::Away(error) => {
                    outages = outages.saturating_add(1);
                    if outages == 1 {
                        tracing::warn!(consumer = self.name(), event = %event.id, error, "no database, events wait");
                    }
                    DATABASE_AWAY.after(outages)
                }
                Try::Failed(heard) => {
                    tries += 1;
                    let now = self.clock.now();
                    let first_failed_at = *first_failed_at.get_or_insert(now);
                    tracing::warn!(consumer = self.name(), event = %event.id, kind = event.kind, tries, error = %heard,
                        "an event was not applied");
                    if matches!(heard, Heard::Fail(_)) || tries >= TRIES {
                        return Outcome::Poison(Failure {
                            error: heard.to_string(),
                            tries,
                            first_failed_at,
                            last_failed_at: now,
                        });
                    }
                    BETWEEN_TRIES.after(tries)
                }
            };
            if stop.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
                return Outcome::Stopped;
            }
        }
    }

    /// Why bytes that are no event are parked.
    pub(super) fn unreadable(&self, error: &serde_json::Error) -> Failure {
        let now = self.clock.now();
        Failure {
            error: format!("the message is no event: {error}"),
            tries: 1,
            first_failed_at: now,
            last_failed_at: now,
        }
    }

    async fn try_once(&self, event: &Arc<Event>) -> Try {
        let span = tracing::info_span!("apply event", consumer = self.name(), event = %event.id, kind = event.kind,
            traceparent = event.traceparent);
        telemetry::follow(&span, event.traceparent.as_deref());
        let work = async {
            if let Some(gathering) = &self.gathering {
                return self.try_together(gathering, event).await;
            }
            // Never closed, so a permit always comes.
            let _permit = self.applying.acquire().await;
            self.try_all(&[event]).await
        };
        work.instrument(span).await
    }

    /// Whose turn it is applies all that waits, also for those behind.
    async fn try_together(&self, gathering: &Gathering, event: &Arc<Event>) -> Try {
        let held = || gathering.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let (told, mut outcome) = oneshot::channel();
        let event = event.clone();
        held().push(Waiting { event, told });
        let mut last = gathering.turn.lock().await;
        if let Ok(outcome) = outcome.try_recv() {
            return outcome;
        }
        sleep_until(*last + PACE).await;
        *last = Instant::now();
        let batch = std::mem::take(&mut *held());
        self.settle(batch).await;
        // Only told to stop could whoever had the turn be gone with it.
        outcome.await.unwrap_or_else(|_| Try::Away("given up".to_owned()))
    }

    /// Tries all in one transaction, and one after the other where that fails: what is wrong with one of them is its own.
    async fn settle(&self, batch: Vec<Waiting>) {
        let events: Vec<&Event> = batch.iter().map(|waiting| &*waiting.event).collect();
        let all = match self.try_all(&events).await {
            Try::Failed(_) if batch.len() > 1 => None,
            outcome => Some(outcome),
        };
        for Waiting { event, told } in batch {
            let outcome = match &all {
                Some(outcome) => outcome.clone(),
                None => self.try_all(&[&event]).await,
            };
            // Whoever waited was told to stop.
            let _ = told.send(outcome);
        }
    }

    async fn try_all(&self, events: &[&Event]) -> Try {
        let work = AssertUnwindSafe(self.apply(events)).catch_unwind();
        match timeout(APPLY_LIMIT, work).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(panic)) => Try::Failed(Heard::Retry(format!("panicked: {}", words_of(&*panic)))),
            Err(_) => Try::Failed(Heard::Retry(format!("took longer than {APPLY_LIMIT:?}"))),
        }
    }

    /// The inbox rows and the effects, in one transaction.
    async fn apply(&self, events: &[&Event]) -> Try {
        let begun = async {
            let txn = self.db.begin().await?;
            let mut ids: Vec<Uuid> = events.iter().map(|event| event.id).collect();
            // In one order, so that no two replicas wait for each other's rows; once each, as an event may be delivered
            // and said again at the same time.
            ids.sort_unstable();
            ids.dedup();
            let new = inbox::record(&txn, self.name(), &ids, self.clock.now()).await?;
            Ok::<_, DbErr>((txn, new))
        };
        let (txn, mut new) = match begun.await {
            Ok(begun) => begun,
            // An outage must not park what is good.
            Err(error) => return Try::Away(error.to_string()),
        };
        let fresh: Vec<&Event> = events.iter().copied().filter(|event| new.remove(&event.id)).collect();
        let heard = match fresh.as_slice() {
            [] => Ok(()),
            [one] => self.hear.apply(&txn, one).await,
            several => self.hear.apply_all(&txn, several).await,
        };
        if let Err(heard) = heard {
            return Try::Failed(heard);
        }
        match txn.commit().await {
            Ok(()) => Try::Applied,
            // Whether the memory was renewed decides nothing now.
            Err(error) if fresh.is_empty() => Try::Away(error.to_string()),
            Err(error) => Try::Failed(Heard::Retry(error.to_string())),
        }
    }
}

fn words_of(panic: &(dyn Any + Send)) -> &str {
    let owned = panic.downcast_ref::<String>().map(String::as_str);
    owned
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without words")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use sea_orm_migration::{MigrationTrait, MigratorTrait};
    use url::Url;

    use super::*;
    use crate::events::Actor;

    struct Migrator;

    impl MigratorTrait for Migrator {
        fn migrations() -> Vec<Box<dyn MigrationTrait>> {
            crate::events::migrations()
        }
    }

    struct Counts(AtomicUsize);

    #[async_trait]
    impl Hear for Counts {
        async fn apply(&self, _: &Txn, _: &Event) -> Result<(), Heard> {
            self.0.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }
    }

    /// The bus delivers it, and somebody has it said again from the shelf.
    #[tokio::test]
    async fn an_event_that_comes_twice_at_once_has_its_effect_once() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/events.db", folder.path().display());
        let db = Db::open(&Url::parse(&url).unwrap(), 2).await.unwrap();
        db.migrate::<Migrator>().await.unwrap();
        let clock = Clock::system();
        let event = Event {
            specversion: "1.0".to_owned(),
            id: clock.new_id(),
            source: "/hostelpulse/test".to_owned(),
            kind: "hostelpulse.test.happened.v1".to_owned(),
            time: clock.now(),
            subject: clock.new_id().to_string(),
            datacontenttype: "application/json".to_owned(),
            version: 1,
            traceparent: None,
            actor: Actor::default(),
            data: serde_json::Value::Null,
        };
        let counts = Arc::new(Counts(AtomicUsize::new(0)));
        let consumer = Consumer::new(Subscription::new("test", &["#"]), db, clock, counts.clone());
        for _ in 0..2 {
            assert!(matches!(consumer.try_all(&[&event, &event]).await, Try::Applied));
            assert_eq!(counts.0.load(Ordering::SeqCst), 1);
        }
    }
}
