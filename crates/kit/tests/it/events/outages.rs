//! Processes that die in the middle of an effect, and a bus that is away.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use kit::{
    Clock,
    db::Txn,
    events::{
        Bus, Consumer, Event, Hear, Heard, Relay, Subscription,
        parked::{Parked, Shelf, Which},
    },
    port::PortError,
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::fixture::{Running, Scribe, Stage, eventually, servers};

/// Stops in the middle of an effect until the test lets it go on.
pub(super) struct Gate {
    scribe: Arc<Scribe>,
    pub(super) entered: Semaphore,
    pub(super) open: Semaphore,
}

impl Gate {
    pub(super) fn before(scribe: Arc<Scribe>) -> Arc<Self> {
        let (entered, open) = (Semaphore::new(0), Semaphore::new(0));
        Arc::new(Self { scribe, entered, open })
    }
}

#[async_trait::async_trait]
impl Hear for Gate {
    async fn apply(&self, txn: &Txn, event: &Event) -> Result<(), Heard> {
        self.entered.add_permits(1);
        self.open.acquire().await.unwrap().forget();
        self.scribe.apply(txn, event).await
    }
}

#[tokio::test]
async fn a_relay_killed_during_the_effect_leads_to_one_effect() {
    if servers() {
        return; // there the relay has nothing to do with the effect; the broker's line is cut instead
    }
    let stage = Stage::set().await;
    let gate = Gate::before(Scribe::new("mail"));
    let _consumer = stage.start_consumer("mail", &["#"], gate.clone()).await;
    let relay = stage.start_relay();
    stage.say_many(1).await;
    gate.entered.acquire().await.unwrap().forget();
    relay.kill().await;
    gate.open.add_permits(100);
    stage.expect_effects("mail", 1).await;
    assert_eq!(
        stage.waiting().await,
        1,
        "nobody was there to write down that it is done"
    );
    // The lease of the dead relay runs out.
    let clock = Clock::mock(stage.clock.now() + chrono::Duration::seconds(16));
    let next = Relay::new("test", stage.db.clone(), stage.bus.clone(), clock);
    assert_eq!(next.drain().await.unwrap(), 1);
    stage.expect_effects("mail", 1).await;
}

#[tokio::test]
async fn a_consumer_killed_during_the_effect_leads_to_one_effect() {
    let stage = Stage::set().await;
    let scribe = Scribe::new("mail");
    let gate = Gate::before(scribe.clone());
    let consumer = stage.start_consumer("mail", &["#"], gate.clone()).await;
    let _relay = stage.start_relay();
    stage.say_many(1).await;
    gate.entered.acquire().await.unwrap().forget();
    consumer.kill().await;
    assert_eq!(stage.effects("mail").await.len(), 0);
    let _again = stage.start_consumer("mail", &["#"], scribe).await;
    stage.expect_effects("mail", 1).await;
    eventually("an empty outbox", || async { stage.waiting().await == 0 }).await;
}

/// A bus that is away for a while, then takes everything but one subject.
struct Moody {
    calls: AtomicU32,
    away_for: u32,
    unwanted: String,
}

#[async_trait::async_trait]
impl Bus for Moody {
    async fn publish(&self, event: &Event) -> Result<(), PortError> {
        if self.calls.fetch_add(1, Ordering::SeqCst) < self.away_for {
            let why = "asleep".to_owned();
            return Err(PortError::Unavailable { port: "bus", why });
        }
        if event.subject == self.unwanted {
            let why = "not that".to_owned();
            return Err(PortError::Refused { port: "bus", why });
        }
        Ok(())
    }

    async fn declare(&self, _: &[Subscription]) -> Result<(), PortError> {
        Ok(())
    }

    async fn consume(&self, _: Consumer, _: CancellationToken) -> Result<(), PortError> {
        Ok(())
    }

    async fn parked(&self, _: &Shelf, _: &Which) -> Result<Vec<Parked>, PortError> {
        Ok(Vec::new())
    }

    async fn replay(&self, _: &Shelf, _: &Which) -> Result<u64, PortError> {
        Ok(0)
    }

    async fn ping(&self) -> Result<(), PortError> {
        Ok(())
    }
}

#[tokio::test]
async fn a_relay_outlives_an_outage_and_an_event_that_nobody_takes_stops_only_its_subject() {
    let stage = Stage::set().await;
    let unwanted = stage.clock.new_id();
    stage.say(unwanted, 1).await;
    stage.say(unwanted, 2).await;
    stage.say_many(300).await;
    let moody = Moody {
        calls: AtomicU32::new(0),
        away_for: 150,
        unwanted: unwanted.to_string(),
    };
    let relay = Relay::new("test", stage.db.clone(), Arc::new(moody), stage.clock.clone());
    let _running = Running::start(|stop| async move { relay.run(stop).await });
    eventually("all but one subject", || async { stage.waiting().await == 2 }).await;
    let failed = "outbox WHERE published_at IS NULL AND attempts > 2 AND last_error = 'bus refuses: not that'";
    eventually("several tries", || async { stage.count(failed).await == 1 }).await;
    assert_eq!(stage.waiting().await, 2);
}
