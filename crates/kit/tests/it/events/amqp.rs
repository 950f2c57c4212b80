//! What only a broker can do wrong. Without servers there is nothing to test here.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use kit::{
    Db,
    events::{Bus, Consumer, Relay, Subscription, bus, parked::Which},
};
use lapin::{
    BasicProperties, Connection, ConnectionProperties,
    options::{BasicPublishOptions, QueueDeleteOptions},
    types::FieldTable,
};
use url::Url;

use super::{
    fixture::{Running, Scribe, Stage, event, eventually, servers},
    outages::Gate,
    proxy::Proxy,
};

const AMQP_PORT: u16 = 5672;
const KIND: &str = "hostelpulse.user.signed_in.v1";

/// The operator's own hands on the broker.
async fn channel(stage: &Stage) -> (Connection, lapin::Channel) {
    let connection = Connection::connect(stage.bus_url.as_str(), ConnectionProperties::default())
        .await
        .unwrap();
    let channel = connection.create_channel().await.unwrap();
    (connection, channel)
}

fn name(stage: &Stage, rest: &str) -> lapin::types::ShortString {
    let (_, prefix) = stage.bus_url.query_pairs().next().unwrap();
    format!("{prefix}.{rest}").into()
}

async fn opening(url: &Url) -> String {
    bus::open(url).await.err().expect("does not open").to_string()
}

#[tokio::test]
async fn a_wrong_url_is_told_in_one_line() {
    if !servers() {
        return;
    }
    let stage = Stage::set().await;
    let mut url = stage.bus_url.clone();
    url.set_password(Some("hush-hush")).unwrap();
    let told = opening(&url).await;
    assert!(
        told.contains("wrong user or password") && !told.contains("hush-hush"),
        "{told}"
    );
    let mut url = stage.bus_url.clone();
    url.set_path("nowhere");
    let told = opening(&url).await;
    assert!(told.contains("vhost nowhere not found"), "{told}");
    let mut url = stage.bus_url.clone();
    url.set_port(Some(1)).unwrap();
    let told = opening(&url).await;
    assert!(told.contains("onnection refused"), "{told}");
    url.set_host(Some("no-such-host.invalid")).unwrap();
    assert!(
        opening(&url).await.starts_with("bus at amqp://"),
        "names the port and the URL"
    );
}

#[tokio::test]
async fn an_event_that_reaches_no_queue_stays_in_the_outbox() {
    if !servers() {
        return;
    }
    let stage = Stage::set().await;
    let subscription = Subscription::new("audit", &["#"]);
    stage.bus.declare(std::slice::from_ref(&subscription)).await.unwrap();
    let (_connection, channel) = channel(&stage).await;
    let (queue, exchange) = (name(&stage, "audit"), name(&stage, "events"));
    channel
        .queue_unbind(queue.clone(), exchange, "#".into(), FieldTable::default())
        .await
        .unwrap();
    stage.say_many(100).await;
    assert_eq!(stage.relay().drain().await.unwrap(), 0);
    assert_eq!(stage.waiting().await, 100);
    let relay = stage.start_relay();
    eventually("second tries", || async {
        stage.count("outbox WHERE attempts > 1").await == 100
    })
    .await;
    assert_eq!(stage.waiting().await, 100);
    // The whole queue is gone too; the operator declares it again.
    channel
        .queue_delete(queue, QueueDeleteOptions::default())
        .await
        .unwrap();
    stage.bus.declare(&[subscription]).await.unwrap();
    eventually("an empty outbox", || async { stage.waiting().await == 0 }).await;
    relay.stop().await;
    let _consumer = stage.start_consumer("audit", &["#"], Scribe::new("audit")).await;
    stage.expect_effects("audit", 100).await;
}

#[tokio::test]
async fn routable_and_unroutable_events_at_once_are_told_apart() {
    if !servers() {
        return;
    }
    let stage = Stage::set().await;
    stage
        .bus
        .declare(&[Subscription::new("some", &["wanted"])])
        .await
        .unwrap();
    stage
        .publish(&event(&stage.clock, "wanted", stage.clock.new_id(), 1))
        .await;
    let kinds = ["wanted", "unwanted"].into_iter().cycle().take(2000);
    let events: Vec<_> = kinds
        .map(|kind| event(&stage.clock, kind, stage.clock.new_id(), 1))
        .collect();
    // Spread a little, so that confirmations of some meet returns of others.
    let outcomes = join_all(events.iter().map(|event| async {
        tokio::time::sleep(Duration::from_millis(rand::random_range(0..500))).await;
        stage.bus.publish(event).await
    }));
    let outcomes = outcomes.await;
    for (event, outcome) in events.iter().zip(outcomes) {
        assert_eq!(outcome.is_ok(), event.kind == "wanted", "{}: {outcome:?}", event.kind);
    }
}

#[tokio::test]
async fn a_queue_deleted_under_a_running_consumer_is_made_again() {
    if !servers() {
        return;
    }
    let stage = Stage::set().await;
    let _consumer = stage.start_consumer("audit", &["#"], Scribe::new("audit")).await;
    let _relay = stage.start_relay();
    stage.say_many(5).await;
    stage.expect_effects("audit", 5).await;
    let (_connection, channel) = channel(&stage).await;
    channel
        .queue_delete(name(&stage, "audit"), QueueDeleteOptions::default())
        .await
        .unwrap();
    stage.say_many(5).await;
    stage.expect_effects("audit", 10).await;
}

#[tokio::test]
async fn a_line_cut_between_effect_and_acknowledgement_leads_to_one_effect() {
    if !servers() {
        return;
    }
    let stage = Stage::set().await;
    let proxy = Proxy::before(&stage.bus_url, AMQP_PORT).await;
    let cut_off: Arc<dyn Bus> = bus::open(&proxy.url(&stage.bus_url)).await.unwrap();
    let scribe = Scribe::new("mail");
    let gate = Gate::before(scribe.clone());
    let subscription = Subscription::new("mail", &["#"]);
    let consumer = Consumer::new(
        subscription.clone(),
        stage.db.clone(),
        stage.clock.clone(),
        gate.clone(),
    );
    cut_off.declare(&[subscription]).await.unwrap();
    let consuming = cut_off.clone();
    let _consumer = Running::start(|stop| async move { consuming.consume(consumer, stop).await.unwrap() });
    let subject = stage.say_many(1).await[0];
    stage.relay().drain().await.unwrap();
    gate.entered.acquire().await.unwrap().forget();
    proxy.cut();
    gate.open.add_permits(100);
    stage.expect_effects("mail", 1).await;
    proxy.mend();
    // The next event comes over the new connection, behind the one that was not acknowledged.
    stage.say(subject, 2).await;
    stage.relay().drain().await.unwrap();
    stage.expect_effects("mail", 2).await;
    assert_eq!(scribe.times_heard(subject), 2, "the inbox knew it");
}

#[tokio::test]
async fn relay_and_consumer_outlive_an_outage_of_the_broker() {
    if !servers() {
        return;
    }
    let stage = Stage::set().await;
    let proxy = Proxy::before(&stage.bus_url, AMQP_PORT).await;
    let bus = bus::open(&proxy.url(&stage.bus_url)).await.unwrap();
    let subscription = Subscription::new("audit", &["#"]);
    bus.declare(std::slice::from_ref(&subscription)).await.unwrap();
    let consumer = Consumer::new(
        subscription,
        stage.db.clone(),
        stage.clock.clone(),
        Scribe::new("audit"),
    );
    let (relay, consuming) = (
        Relay::new("test", stage.db.clone(), bus.clone(), stage.clock.clone()),
        bus.clone(),
    );
    let _consumer = Running::start(|stop| async move { consuming.consume(consumer, stop).await.unwrap() });
    let _relay = Running::start(|stop| async move { relay.run(stop).await });
    stage.say_many(20).await;
    stage.expect_effects("audit", 20).await;
    for round in 1..=2 {
        proxy.cut();
        stage.say_many(20).await;
        eventually("the outage", || async { bus.ping().await.is_err() }).await;
        proxy.mend();
        stage.expect_effects("audit", 20 + 20 * round).await;
    }
    eventually("an empty outbox", || async { stage.waiting().await == 0 }).await;
}

#[tokio::test]
async fn an_outage_of_the_consumers_database_parks_nothing() {
    if !servers() {
        return;
    }
    let stage = Stage::set().await;
    let proxy = Proxy::before(&stage.db_url, 5432).await;
    let db = Db::open(&proxy.url(&stage.db_url), 4).await.unwrap();
    let subscription = Subscription::new("mail", &["#"]);
    stage.bus.declare(std::slice::from_ref(&subscription)).await.unwrap();
    let consumer = Consumer::new(subscription, db.clone(), stage.clock.clone(), Scribe::new("mail"));
    let relay = Relay::new("test", db, stage.bus.clone(), stage.clock.clone());
    let bus = stage.bus.clone();
    let _consumer = Running::start(|stop| async move { bus.consume(consumer, stop).await.unwrap() });
    let _relay = Running::start(|stop| async move { relay.run(stop).await });
    stage.say_many(10).await;
    stage.expect_effects("mail", 10).await;
    proxy.cut();
    // These come to the consumer past the relay, whose database is away as well.
    let events: Vec<_> = (0..5)
        .map(|_| event(&stage.clock, KIND, stage.clock.new_id(), 1))
        .collect();
    for outcome in join_all(events.iter().map(|event| stage.bus.publish(event))).await {
        outcome.unwrap();
    }
    stage.say_many(10).await;
    // Longer than five tries take.
    tokio::time::sleep(Duration::from_secs(8)).await;
    assert_eq!(stage.parked("mail").await, []);
    proxy.mend();
    stage.expect_effects("mail", 25).await;
    assert_eq!(stage.parked("mail").await, []);
}

#[tokio::test]
async fn two_replicas_of_a_consumer_keep_the_order_also_when_one_goes() {
    if !servers() {
        return;
    }
    let stage = Stage::set().await;
    let scribe = Scribe::new("audit");
    let first = stage.start_consumer("audit", &["#"], scribe.clone()).await;
    stage.say_many(1).await;
    stage.relay().drain().await.unwrap();
    stage.expect_effects("audit", 1).await;
    let _second = stage.start_consumer("audit", &["#"], scribe.clone()).await;
    let subject = stage.clock.new_id();
    for version in 1..=300 {
        stage.say(subject, version).await;
    }
    let _relay = stage.start_relay();
    eventually("a part of it", || async { scribe.times_heard(subject) > 50 }).await;
    first.stop().await;
    stage.expect_effects("audit", 301).await;
    let heard = scribe.heard.lock().unwrap();
    let versions: Vec<i64> = heard.iter().skip(1).map(|event| event.version).collect();
    assert!(versions.is_sorted(), "{versions:?}");
}

#[tokio::test]
async fn bytes_that_are_no_event_are_parked_and_shown() {
    if !servers() {
        return;
    }
    let stage = Stage::set().await;
    let _consumer = stage.start_consumer("mail", &["#"], Scribe::new("mail")).await;
    let (_connection, channel) = channel(&stage).await;
    let properties = BasicProperties::default().with_message_id("strange-1".into());
    let options = BasicPublishOptions::default();
    let published = channel
        .basic_publish(name(&stage, "events"), "x".into(), options, b"hello", properties)
        .await;
    published.unwrap().await.unwrap();
    eventually("the parking", || async { !stage.parked("mail").await.is_empty() }).await;
    let which = Which::One("strange-1".to_owned());
    // Looking as often as one likes takes nothing away.
    for _ in 0..25 {
        let parked = stage.bus.parked(&stage.shelf("mail"), &which).await.unwrap();
        assert_eq!(parked.len(), 1);
        assert_eq!(parked[0].event, "hello");
        assert!(
            parked[0].error.starts_with("the message is no event"),
            "{}",
            parked[0].error
        );
    }
}

#[tokio::test]
async fn a_message_on_which_the_consumer_dies_is_parked_by_the_broker() {
    if !servers() {
        return;
    }
    let stage = Stage::set().await;
    let gate = Gate::before(Scribe::new("mail"));
    let subscription = Subscription::new("mail", &["#"]);
    stage.bus.declare(&[subscription]).await.unwrap();
    let deadly = event(&stage.clock, KIND, stage.clock.new_id(), 1);
    stage.bus.publish(&deadly).await.unwrap();
    let mut deaths = 0;
    while stage.parked("mail").await.is_empty() {
        deaths += 1;
        assert!(deaths < 30, "delivered for ever");
        let consumer = stage.start_consumer("mail", &["#"], gate.clone()).await;
        let entered = tokio::time::timeout(Duration::from_secs(2), gate.entered.acquire()).await;
        if let Ok(entered) = entered {
            entered.unwrap().forget();
        }
        consumer.kill().await;
    }
    let parked = stage.parked("mail").await.remove(0);
    assert_eq!(parked.id, deadly.id.to_string());
    assert!(deaths > 15, "parked after {deaths} deaths");
}
