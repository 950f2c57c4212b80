//! Events from the outbox to the effect, on whichever stores are chosen: every test here is a promise of the bus that both
//! adapters keep.

mod amqp;
mod fixture;
mod outages;
mod proxy;
mod together;

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use fixture::{Running, Scribe, Stage, caller, event, eventually, servers};
use futures_util::FutureExt as _;
use kit::{
    Clock, Db,
    db::unique_violation,
    events::{
        Consumer, Draft, Event, Heard, Relay, Subscription, outbox,
        parked::{Parked, Which},
    },
};
use rand::seq::SliceRandom as _;
use uuid::Uuid;

#[tokio::test]
async fn what_is_committed_is_published_and_what_is_rolled_back_is_not() {
    let stage = Stage::set().await;
    let scribe = Scribe::new("audit");
    let _consumer = stage.start_consumer("audit", &["#"], scribe.clone()).await;
    let _relay = stage.start_relay();
    let (kept, dropped) = (stage.clock.new_id(), stage.clock.new_id());
    let txn = stage.db.begin().await.unwrap();
    outbox::add(&txn, stage.draft(dropped, 1)).await.unwrap();
    drop(txn);
    stage.say(kept, 1).await;
    stage.expect_effects("audit", 1).await;
    eventually("an empty outbox", || async { stage.waiting().await == 0 }).await;
    assert_eq!(stage.count("outbox").await, 1, "the ledger keeps what was published");
    assert_eq!(scribe.times_heard(dropped), 0);
}

/// The relay would otherwise look after each of the many commits that leave it nothing to do, its own among them.
#[tokio::test]
async fn a_commit_that_leaves_an_event_wakes_the_relay_and_no_other_does() {
    let stage = Stage::set().await;
    let mut waiting = std::pin::pin!(stage.db.told().notified());
    stage.db.begin().await.unwrap().commit().await.unwrap();
    assert!(waiting.as_mut().now_or_never().is_none());
    stage.say(stage.clock.new_id(), 1).await;
    tokio::time::timeout(fixture::PATIENCE, waiting).await.unwrap();
}

#[tokio::test]
async fn an_event_arrives_as_it_was_meant() {
    let stage = Stage::set().await;
    let scribe = Scribe::new("audit");
    let _consumer = stage
        .start_consumer("audit", &["hostelpulse.user.*.v1"], scribe.clone())
        .await;
    let subject = stage.clock.new_id();
    stage.say(subject, 1).await;
    assert_eq!(stage.relay().drain().await.unwrap(), 1);
    stage.expect_effects("audit", 1).await;
    let heard = scribe.heard.lock().unwrap()[0].clone();
    assert_eq!(heard.kind, "hostelpulse.user.signed_in.v1");
    assert_eq!(heard.source, "/hostelpulse/auth");
    assert_eq!((heard.subject, heard.version), (subject.to_string(), 1));
    assert_eq!(
        (heard.actor.id.as_str(), heard.actor.role.as_str()),
        ("test", "service")
    );
    assert_eq!(heard.actor.request_id.as_deref(), Some("r-1"));
    assert_eq!(heard.data["user_id"], subject.to_string());
}

#[tokio::test]
async fn what_is_no_event_or_too_large_or_said_twice_is_refused_in_the_transaction() {
    let stage = Stage::set().await;
    let subject = stage.clock.new_id();
    stage.say(subject, 1).await;
    let txn = stage.db.begin().await.unwrap();
    let error = outbox::add(&txn, stage.draft(subject, 1)).await.unwrap_err();
    assert!(unique_violation(&error).is_some(), "{error}");
    drop(txn);
    let txn = stage.db.begin().await.unwrap();
    let no_event = Draft::new(
        &stage.clock,
        &caller(),
        "auth",
        subject,
        2,
        &proto::auth::User::default(),
    );
    let error = outbox::add(&txn, no_event).await.unwrap_err().to_string();
    assert!(error.contains("hostelpulse.auth.v1.User is no event"), "{error}");
    let data = proto::auth::UserSignedIn {
        user_id: "x".repeat(outbox::MAX_EVENT_BYTES),
        ..Default::default()
    };
    let too_large = Draft::new(&stage.clock, &caller(), "auth", subject, 2, &data);
    let error = outbox::add(&txn, too_large).await.unwrap_err().to_string();
    assert!(error.contains("at most 262144"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn versions_never_go_backwards_with_many_writers_and_two_relays() {
    const WRITERS: usize = 16;
    const SUBJECTS: usize = 2;
    const VERSIONS: i64 = 20;
    let stage = Arc::new(Stage::set().await);
    let scribe = Scribe::new("audit");
    let _consumer = stage.start_consumer("audit", &["#"], scribe.clone()).await;
    // The second relay has connections of its own, as another process has.
    let other_db = Db::open(&stage.db_url, 4).await.unwrap();
    let other_relay = Relay::new("test", other_db, stage.bus.clone(), stage.clock.clone());
    let _relays = (
        stage.start_relay(),
        Running::start(|stop| async move { other_relay.run(stop).await }),
    );
    let writers = (0..WRITERS).map(|_| {
        let stage = stage.clone();
        tokio::spawn(async move {
            let subjects: Vec<Uuid> = (0..SUBJECTS).map(|_| stage.clock.new_id()).collect();
            for version in 1..=VERSIONS {
                for subject in &subjects {
                    let txn = stage.db.begin().await.unwrap();
                    outbox::add(&txn, stage.draft(*subject, version)).await.unwrap();
                    if servers() {
                        // Commits come in another order than ids.
                        tokio::time::sleep(Duration::from_millis(rand::random_range(0..30))).await;
                    }
                    txn.commit().await.unwrap();
                }
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    stage
        .expect_effects("audit", WRITERS * SUBJECTS * usize::try_from(VERSIONS).unwrap())
        .await;
    let mut versions: HashMap<String, Vec<i64>> = HashMap::new();
    for event in scribe.heard.lock().unwrap().iter() {
        versions.entry(event.subject.clone()).or_default().push(event.version);
    }
    assert_eq!(versions.len(), WRITERS * SUBJECTS);
    for heard in versions.values() {
        assert_eq!(heard, &(1..=VERSIONS).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn duplicates_out_of_order_have_their_effect_once() {
    let stage = Stage::set().await;
    let _consumer = stage.start_consumer("mail", &["#"], Scribe::new("mail")).await;
    let subjects: Vec<Uuid> = (0..20).map(|_| stage.clock.new_id()).collect();
    let mut events: Vec<Event> = subjects
        .iter()
        .flat_map(|subject| (1..=3).map(|version| event(&stage.clock, "a.b", *subject, version)))
        .collect();
    events.extend_from_within(..);
    events.extend_from_within(..60);
    assert_eq!(events.len(), 180);
    events.shuffle(&mut rand::rng());
    futures_util::future::join_all(events.iter().map(|event| stage.publish(event))).await;
    stage.expect_effects("mail", 60).await;
}

#[tokio::test]
async fn a_poison_message_is_parked_after_five_tries_and_others_pass_meanwhile() {
    let stage = Stage::set().await;
    let poison = stage.clock.new_id();
    let scribe = Scribe::who_objects("mail", move |event| {
        let objects = event.subject == poison.to_string();
        objects.then(|| Heard::Retry("the printer is on fire".to_owned()))
    });
    let _consumer = stage.start_consumer("mail", &["#"], scribe.clone()).await;
    stage.say(poison, 1).await;
    stage.say_many(200).await;
    let _relay = stage.start_relay();
    stage.expect_effects("mail", 200).await;
    assert!(
        scribe.times_heard(poison) < 5,
        "the others did not have to wait for the parking"
    );
    eventually("the parking", || async { !stage.parked("mail").await.is_empty() }).await;
    assert_eq!(scribe.times_heard(poison), 5);
    let parked = stage.parked("mail").await.remove(0);
    assert_eq!((parked.tries, parked.error.as_str()), (5, "the printer is on fire"));
    assert_eq!(parked.event["subject"], poison.to_string());
    assert!(parked.first_failed_at < parked.last_failed_at);
    eventually("an empty outbox", || async { stage.waiting().await == 0 }).await;
    show_and_replay(&stage, &scribe, &parked).await;
}

async fn show_and_replay(stage: &Stage, scribe: &Scribe, parked: &Parked) {
    let shelf = stage.shelf("mail");
    let other = Which::One(stage.clock.new_id().to_string());
    let this = Which::One(parked.id.clone());
    assert_eq!(stage.bus.parked(&shelf, &other).await.unwrap(), []);
    assert_eq!(stage.bus.replay(&shelf, &other).await.unwrap(), 0);
    assert_eq!(&stage.bus.parked(&shelf, &this).await.unwrap()[0], parked);
    // The cause is still there: it comes back.
    assert_eq!(stage.bus.replay(&shelf, &this).await.unwrap(), 1);
    let back = || async { matches!(stage.parked("mail").await.as_slice(), [one] if !one.replay_requested) };
    let subject = parked.event["subject"].as_str().unwrap().parse().unwrap();
    eventually("five more tries", || async { scribe.times_heard(subject) == 10 }).await;
    eventually("the parking", back).await;
    scribe.appease();
    assert_eq!(stage.bus.replay(&shelf, &Which::All).await.unwrap(), 1);
    stage.expect_effects("mail", 201).await;
    eventually("an empty shelf", || async { stage.parked("mail").await.is_empty() }).await;
}

#[tokio::test]
async fn what_can_never_go_is_parked_at_once_and_a_panic_is_a_failed_try() {
    let stage = Stage::set().await;
    let hopeless = stage.clock.new_id();
    let scribe = Scribe::who_objects("mail", move |event| {
        assert!(event.subject == hopeless.to_string(), "does not know what to do");
        Some(Heard::Fail("nobody lives there".to_owned()))
    });
    let _consumer = stage.start_consumer("mail", &["#"], scribe.clone()).await;
    let _relay = stage.start_relay();
    stage.say(hopeless, 1).await;
    stage.say(stage.clock.new_id(), 1).await;
    eventually("the parking", || async { stage.parked("mail").await.len() == 2 }).await;
    let mut reasons: Vec<_> = stage
        .parked("mail")
        .await
        .into_iter()
        .map(|one| (one.tries, one.error))
        .collect();
    reasons.sort();
    let expected = [(1, "nobody lives there"), (5, "panicked: does not know what to do")];
    assert_eq!(reasons, expected.map(|(tries, error)| (tries, error.to_owned())));
    assert_eq!(stage.effects("mail").await.len(), 0);
}

#[tokio::test]
async fn an_event_is_parked_before_the_next_of_its_subject_is_heard() {
    let stage = Stage::set().await;
    let subject = stage.clock.new_id();
    let objects = |event: &Event| (event.version == 1).then(|| Heard::Retry("not yet".to_owned()));
    let scribe = Scribe::who_objects("mail", objects);
    let _consumer = stage.start_consumer("mail", &["#"], scribe.clone()).await;
    let _relay = stage.start_relay();
    stage.say(subject, 1).await;
    stage.say(subject, 2).await;
    stage.expect_effects("mail", 1).await;
    let versions: Vec<i64> = scribe.heard.lock().unwrap().iter().map(|event| event.version).collect();
    assert_eq!(versions, [1, 1, 1, 1, 1, 2]);
    assert_eq!(stage.parked("mail").await.len(), 1);
}

#[tokio::test]
async fn a_relay_that_stops_and_starts_again_brings_the_rest() {
    let stage = Stage::set().await;
    let _consumer = stage.start_consumer("audit", &["#"], Scribe::new("audit")).await;
    let relay = stage.start_relay();
    stage.say_many(50).await;
    stage.expect_effects("audit", 50).await;
    relay.stop().await;
    stage.say_many(50).await;
    assert_eq!(stage.waiting().await, 50);
    let relay = stage.start_relay();
    eventually("half of it", || async { stage.effects("audit").await.len() > 60 }).await;
    relay.kill().await;
    let _relay = stage.start_relay();
    stage.expect_effects("audit", 100).await;
    eventually("an empty outbox", || async { stage.waiting().await == 0 }).await;
}

#[tokio::test]
async fn events_wait_for_a_consumer_that_is_declared_and_does_not_run() {
    let stage = Stage::set().await;
    let subscription = Subscription::new("audit", &["#"]);
    stage.bus.declare(&[subscription]).await.unwrap();
    stage.say_many(10).await;
    // The memory keeps nothing and leaves them in the outbox, the broker has them already.
    let taken = if servers() { 10 } else { 0 };
    assert_eq!(stage.relay().drain().await.unwrap(), taken);
    let _relay = stage.start_relay();
    let consumer = stage.start_consumer("audit", &["#"], Scribe::new("audit")).await;
    stage.expect_effects("audit", 10).await;
    consumer.stop().await;
    stage.say_many(10).await;
    let _consumer = stage.start_consumer("audit", &["#"], Scribe::new("audit")).await;
    stage.expect_effects("audit", 20).await;
}

#[tokio::test]
async fn a_replay_fills_a_consumer_that_comes_late_and_leaves_the_others_alone() {
    let stage = Stage::set().await;
    let began = stage.clock.now();
    let _early = stage.start_consumer("early", &["#"], Scribe::new("early")).await;
    let _relay = stage.start_relay();
    stage.say_many(30).await;
    stage.expect_effects("early", 30).await;
    eventually("an empty outbox", || async { stage.waiting().await == 0 }).await;
    let scribe = Scribe::new("late");
    let _late = stage.start_consumer("late", &["#"], scribe).await;
    let later = stage.clock.now();
    assert_eq!(outbox::replay(&stage.db, &stage.clock, later).await.unwrap(), 0);
    assert_eq!(outbox::replay(&stage.db, &stage.clock, began).await.unwrap(), 30);
    stage.expect_effects("late", 30).await;
    stage.expect_effects("early", 30).await;
}

#[tokio::test]
async fn a_consumer_hears_what_it_asked_for() {
    let stage = Stage::set().await;
    let _all = stage.start_consumer("all", &["#"], Scribe::new("all")).await;
    let _some = stage
        .start_consumer("some", &["x.*.v1", "y.#"], Scribe::new("some"))
        .await;
    for kind in ["x.made.v1", "x.made.v2", "y", "y.z.v1", "z.y"] {
        let event = event(&stage.clock, kind, stage.clock.new_id(), 1);
        stage.publish(&event).await;
    }
    stage.expect_effects("all", 5).await;
    stage.expect_effects("some", 3).await;
}

#[tokio::test]
async fn a_consumer_that_is_waiting_for_its_next_try_stops_soon() {
    let stage = Stage::set().await;
    let scribe = Scribe::who_objects("mail", |_| Some(Heard::Retry("no".to_owned())));
    let consumer = stage.start_consumer("mail", &["#"], scribe.clone()).await;
    let relay = stage.start_relay();
    let subject = stage.say_many(1).await[0];
    eventually("three tries", || async { scribe.times_heard(subject) == 3 }).await;
    let began = Instant::now();
    consumer.stop().await;
    assert!(began.elapsed() < Duration::from_secs(2));
    relay.stop().await;
    // Nothing is lost by it.
    scribe.appease();
    let _again = stage.start_consumer("mail", &["#"], scribe).await;
    let _relay = stage.start_relay();
    stage.expect_effects("mail", 1).await;
}

#[tokio::test]
async fn many_events_of_one_transaction_and_one_subject_go_out_in_order() {
    let stage = Stage::set().await;
    let scribe = Scribe::new("audit");
    let _consumer = stage.start_consumer("audit", &["#"], scribe.clone()).await;
    let (subject, many) = (stage.clock.new_id(), 1_100);
    let txn = stage.db.begin().await.unwrap();
    let drafts = (1..=many).map(|version| stage.draft(subject, version));
    outbox::add_many(&txn, drafts).await.unwrap();
    outbox::add_many(&txn, []).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(stage.relay().drain().await.unwrap(), 1_100);
    stage.expect_effects("audit", 1_100).await;
    assert!(
        scribe
            .heard
            .lock()
            .unwrap()
            .iter()
            .map(|event| event.version)
            .eq(1..=many)
    );
}

#[tokio::test]
async fn a_transaction_may_say_more_than_a_statement_takes() {
    let stage = Stage::set().await;
    let subjects = stage.say_many(7_000).await;
    assert_eq!(stage.waiting().await, 7_000);
    assert_eq!(subjects.len(), 7_000);
}

#[tokio::test]
async fn the_ledger_and_the_inbox_are_purged_in_their_time() {
    let stage = Stage::set().await;
    let clock = Clock::mock(stage.clock.now());
    let subscription = Subscription::new("audit", &["#"]);
    let consumer = Consumer::new(subscription, stage.db.clone(), clock.clone(), Scribe::new("audit"));
    stage.bus.declare(&[consumer.subscription().clone()]).await.unwrap();
    let bus = stage.bus.clone();
    let _consumer = Running::start(|stop| async move { bus.consume(consumer, stop).await.unwrap() });
    let relay = Relay::new("test", stage.db.clone(), stage.bus.clone(), clock.clone());
    eventually("the consumer", || async {
        clock.advance(chrono::Duration::seconds(60));
        stage.say_many(1).await;
        relay.drain().await.unwrap();
        stage.waiting().await == 0
    })
    .await;
    eventually("the effects", || async {
        stage.count("inbox").await == stage.count("outbox").await
    })
    .await;
    clock.advance(chrono::Duration::days(6));
    assert_eq!(relay.purge().await.unwrap(), 0);
    clock.advance(chrono::Duration::days(2));
    let published = stage.count("outbox").await;
    assert_eq!(relay.purge().await.unwrap(), published.unsigned_abs());
    assert_eq!(stage.count("outbox").await, 0);
    clock.advance(chrono::Duration::days(7));
    assert_eq!(relay.purge().await.unwrap(), published.unsigned_abs());
    assert_eq!(stage.count("inbox").await, 0);
}
