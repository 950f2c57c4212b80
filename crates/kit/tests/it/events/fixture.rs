//! A stage for events: a database, a bus, and somebody who writes down what he hears.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use kit::{
    Clock, Db,
    access::Caller,
    db::Txn,
    events::{
        Bus, Consumer, Draft, Event, Hear, Heard, Relay, Subscription, bus, outbox,
        parked::{Parked, Shelf, Which},
    },
};
use sea_orm::{ConnectionTrait as _, DbErr, Statement};
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTrait, SchemaManager};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::Url;
use uuid::Uuid;

/// Nothing here takes longer, or it has failed.
pub(super) const PATIENCE: Duration = Duration::from_secs(40);

#[expect(
    clippy::disallowed_methods,
    reason = "which stores a test runs on is chosen by the environment"
)]
pub(super) fn servers() -> bool {
    std::env::var("HOSTELPULSE_TEST_STORES").is_ok_and(|stores| stores == "servers")
}

#[expect(
    clippy::disallowed_methods,
    reason = "where the servers are is told by the environment"
)]
fn server_url(variable: &str) -> Url {
    let text = std::env::var(variable).unwrap_or_else(|_| panic!("{variable} is set in servers mode"));
    Url::parse(&text).unwrap()
}

struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut all = kit::events::migrations();
        all.push(Box::new(EffectTable));
        all
    }
}

struct EffectTable;

impl MigrationName for EffectTable {
    fn name(&self) -> &'static str {
        "effects"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for EffectTable {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // No key: an effect that happens twice is to be seen.
        let table = "CREATE TABLE effects (consumer text NOT NULL, event_id uuid NOT NULL)";
        manager.get_connection().execute_unprepared(table).await.map(drop)
    }
}

/// The stores of one test, shared with no other.
pub(super) struct Stage {
    pub(super) clock: Clock,
    pub(super) db: Db,
    pub(super) db_url: Url,
    pub(super) bus: Arc<dyn Bus>,
    pub(super) bus_url: Url,
    _folder: tempfile::TempDir,
}

impl Stage {
    pub(super) async fn set() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::system();
        let name = format!("t{}", clock.new_id().simple());
        let (mut db_url, mut bus_url) = if servers() {
            (
                server_url("HOSTELPULSE_TEST_DATABASE_URL"),
                server_url("HOSTELPULSE_TEST_BUS_URL"),
            )
        } else {
            let file = format!("sqlite://{}/", folder.path().display());
            (Url::parse(&file).unwrap(), Url::parse("memory://").unwrap())
        };
        if servers() {
            db_url.set_path(&name);
            bus_url.set_query(Some(&format!("prefix={name}")));
        } else {
            db_url.set_path(&format!("{}/{name}.db", folder.path().display()));
        }
        let db = Db::open(&db_url, 8).await.unwrap();
        db.migrate::<Migrator>().await.unwrap();
        let bus = bus::open(&bus_url).await.unwrap();
        Self {
            clock,
            db,
            db_url,
            bus,
            bus_url,
            _folder: folder,
        }
    }

    pub(super) fn relay(&self) -> Relay {
        Relay::new("test", self.db.clone(), self.bus.clone(), self.clock.clone())
    }

    /// Runs a relay in the background.
    pub(super) fn start_relay(&self) -> Running {
        let relay = self.relay();
        Running::start(|stop| async move { relay.run(stop).await })
    }

    /// Runs a consumer in the background, on the stage's own database.
    pub(super) async fn start_consumer(&self, name: &str, topics: &[&str], hear: Arc<dyn Hear>) -> Running {
        self.start(self.consumer(name, topics, hear)).await
    }

    pub(super) fn consumer(&self, name: &str, topics: &[&str], hear: Arc<dyn Hear>) -> Consumer {
        let subscription = Subscription::new(name, topics);
        Consumer::new(subscription, self.db.clone(), self.clock.clone(), hear)
    }

    pub(super) async fn start(&self, consumer: Consumer) -> Running {
        self.bus
            .declare(std::slice::from_ref(consumer.subscription()))
            .await
            .unwrap();
        let bus = self.bus.clone();
        Running::start(|stop| async move { bus.consume(consumer, stop).await.unwrap() })
    }

    pub(super) fn draft(&self, subject: Uuid, version: i64) -> Draft {
        let data = proto::auth::UserSignedIn {
            user_id: subject.to_string(),
            session_id: subject.to_string(),
            signed_in_at: None,
            ..proto::auth::UserSignedIn::default()
        };
        Draft::new(&self.clock, &caller(), "auth", subject, version, &data)
    }

    /// Says something about a subject, committed.
    pub(super) async fn say(&self, subject: Uuid, version: i64) {
        let txn = self.db.begin().await.unwrap();
        outbox::add(&txn, self.draft(subject, version)).await.unwrap();
        txn.commit().await.unwrap();
    }

    /// Says one thing about each of some new subjects.
    pub(super) async fn say_many(&self, count: usize) -> Vec<Uuid> {
        let subjects: Vec<Uuid> = (0..count).map(|_| self.clock.new_id()).collect();
        let txn = self.db.begin().await.unwrap();
        let drafts = subjects.iter().map(|subject| self.draft(*subject, 1));
        outbox::add_many(&txn, drafts).await.unwrap();
        txn.commit().await.unwrap();
        subjects
    }

    /// Publishes past the outbox; again, as a relay does, while the consumer is only about to run.
    pub(super) async fn publish(&self, event: &Event) {
        eventually("somebody to take it", || async {
            self.bus.publish(event).await.is_ok()
        })
        .await;
    }

    pub(super) async fn waiting(&self) -> i64 {
        outbox::backlog(&self.db).await.unwrap().waiting
    }

    pub(super) async fn count(&self, what: &str) -> i64 {
        let statement = Statement::from_string(self.db.backend(), format!("SELECT COUNT(*) AS n FROM {what}"));
        let row = self.db.reader().query_one_raw(statement).await.unwrap().unwrap();
        row.try_get("", "n").unwrap()
    }

    /// How often each event had its effect on a consumer.
    pub(super) async fn effects(&self, consumer: &str) -> HashMap<Uuid, usize> {
        let statement = Statement::from_sql_and_values(
            self.db.backend(),
            "SELECT event_id FROM effects WHERE consumer = $1",
            [consumer.into()],
        );
        let mut effects = HashMap::new();
        for row in self.db.reader().query_all_raw(statement).await.unwrap() {
            *effects.entry(row.try_get("", "event_id").unwrap()).or_default() += 1;
        }
        effects
    }

    /// Waits until so many events had their effect; each of them once.
    pub(super) async fn expect_effects(&self, consumer: &str, count: usize) {
        eventually("the effects", || async { self.effects(consumer).await.len() >= count }).await;
        let effects = self.effects(consumer).await;
        assert_eq!(effects.len(), count);
        assert!(effects.values().all(|times| *times == 1), "an effect happened twice");
    }

    pub(super) fn shelf(&self, consumer: &str) -> Shelf {
        Shelf {
            consumer: consumer.to_owned(),
            db: self.db.clone(),
        }
    }

    pub(super) async fn parked(&self, consumer: &str) -> Vec<Parked> {
        self.bus.parked(&self.shelf(consumer), &Which::All).await.unwrap()
    }
}

pub(super) fn caller() -> Caller {
    Caller::service("test", "r-1".to_owned())
}

/// An event as it travels, made without an outbox.
pub(super) fn event(clock: &Clock, kind: &str, subject: Uuid, version: i64) -> Event {
    Event {
        specversion: "1.0".to_owned(),
        id: clock.new_id(),
        source: "/hostelpulse/test".to_owned(),
        kind: kind.to_owned(),
        time: clock.now(),
        subject: subject.to_string(),
        datacontenttype: "application/json".to_owned(),
        version,
        traceparent: None,
        actor: kit::events::Actor::default(),
        data: serde_json::json!({}),
    }
}

/// Background work that ends with the test at the latest.
pub(super) struct Running {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    pub(super) fn start<W: Future<Output = ()> + Send + 'static>(work: impl FnOnce(CancellationToken) -> W) -> Self {
        let stop = CancellationToken::new();
        let task = tokio::spawn(work(stop.clone()));
        Self { stop, task }
    }

    /// Told to stop, and gone soon.
    pub(super) async fn stop(mut self) {
        self.stop.cancel();
        let ended = tokio::time::timeout(Duration::from_secs(8), &mut self.task).await;
        ended.expect("stops in time").expect("does not panic");
    }

    /// Gone without a word, as after kill -9.
    pub(super) async fn kill(mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Objection = Box<dyn Fn(&Event) -> Option<Heard> + Send + Sync>;

/// Has one row as its effect, and writes down what it heard in the order of hearing.
pub(super) struct Scribe {
    name: String,
    objection: Objection,
    pub(super) heard: Mutex<Vec<Event>>,
    pub(super) content: AtomicBool,
}

impl Scribe {
    pub(super) fn new(name: &str) -> Arc<Self> {
        Self::who_objects(name, |_| None)
    }

    /// Objects until [`Scribe::appease`].
    pub(super) fn who_objects(
        name: &str,
        objection: impl Fn(&Event) -> Option<Heard> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            name: name.to_owned(),
            objection: Box::new(objection),
            heard: Mutex::default(),
            content: AtomicBool::new(false),
        })
    }

    pub(super) fn appease(&self) {
        self.content.store(true, Ordering::SeqCst);
    }

    pub(super) fn times_heard(&self, subject: Uuid) -> usize {
        let subject = subject.to_string();
        let heard = self.heard.lock().unwrap();
        heard.iter().filter(|event| event.subject == subject).count()
    }
}

#[async_trait::async_trait]
impl Hear for Scribe {
    async fn apply(&self, txn: &Txn, event: &Event) -> Result<(), Heard> {
        self.heard.lock().unwrap().push(event.clone());
        let statement = Statement::from_sql_and_values(
            txn.get_database_backend(),
            "INSERT INTO effects (consumer, event_id) VALUES ($1, $2)",
            [self.name.as_str().into(), event.id.into()],
        );
        txn.execute_raw(statement).await?;
        // Objects after its effect, so that an effect that is not rolled back is to be seen.
        match (self.objection)(event) {
            Some(heard) if !self.content.load(Ordering::SeqCst) => Err(heard),
            _ => Ok(()),
        }
    }
}

/// Waits for a condition, but not for ever.
pub(super) async fn eventually<F: Future<Output = bool>>(what: &str, condition: impl Fn() -> F) {
    let began = Instant::now();
    while !condition().await {
        assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
