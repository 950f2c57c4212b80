//! Events that come together, applied in one transaction.

use std::sync::{Arc, Mutex};

use kit::{
    db::Txn,
    events::{Event, Hear, Heard},
};

use super::fixture::{Scribe, Stage, eventually};

/// Remembers how many events came to the scribe at once.
struct Counting {
    scribe: Arc<Scribe>,
    at_once: Mutex<Vec<usize>>,
}

impl Counting {
    fn before(scribe: Arc<Scribe>) -> Arc<Self> {
        let at_once = Mutex::default();
        Arc::new(Self { scribe, at_once })
    }

    fn had_several(&self) -> bool {
        self.at_once.lock().unwrap().iter().any(|count| *count > 1)
    }
}

#[async_trait::async_trait]
impl Hear for Counting {
    async fn apply(&self, txn: &Txn, event: &Event) -> Result<(), Heard> {
        self.scribe.apply(txn, event).await
    }

    async fn apply_all(&self, txn: &Txn, events: &[&Event]) -> Result<(), Heard> {
        self.at_once.lock().unwrap().push(events.len());
        self.scribe.apply_all(txn, events).await
    }
}

#[tokio::test]
async fn what_waits_goes_into_one_transaction() {
    let stage = Stage::set().await;
    let counting = Counting::before(Scribe::new("audit"));
    let consumer = stage.consumer("audit", &["#"], counting.clone());
    let _consumer = stage.start(consumer.together()).await;
    let _relay = stage.start_relay();
    let mut said = 0;
    while !counting.had_several() {
        assert!(said < 2_000, "each had a transaction of its own");
        stage.say_many(50).await;
        said += 50;
        stage.expect_effects("audit", said).await;
    }
}

#[tokio::test]
async fn an_event_that_fails_takes_none_of_the_others_with_it() {
    let stage = Stage::set().await;
    let subjects = stage.say_many(60).await;
    let poison = subjects[30];
    let scribe = Scribe::who_objects("mail", move |event| {
        let bad = event.subject == poison.to_string();
        bad.then(|| Heard::Fail("it is on fire".to_owned()))
    });
    let consumer = stage.consumer("mail", &["#"], scribe.clone());
    let _consumer = stage.start(consumer.together()).await;
    let _relay = stage.start_relay();
    stage.expect_effects("mail", 59).await;
    eventually("the parking", || async { !stage.parked("mail").await.is_empty() }).await;
    assert_eq!(stage.parked("mail").await[0].event["subject"], poison.to_string());
    assert_eq!(stage.count("inbox").await, 59);
    // What stands on the shelf hinders nobody.
    stage.say_many(10).await;
    stage.expect_effects("mail", 69).await;
}
