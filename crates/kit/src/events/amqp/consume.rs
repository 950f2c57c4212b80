//! One consumer on its queue: an event is acknowledged after its effect is committed, or after it is parked.

use std::{future::ready, sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use lapin::{
    BasicProperties,
    message::Delivery,
    options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions},
    types::{AMQPValue, FieldTable},
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{ANSWER_LIMIT, Amqp, said, shelf, topology};
use crate::{
    backoff::Backoff,
    events::{
        Consumer, Event,
        consumer::{Failure, HELD, Outcome},
        lanes,
    },
    port::{PortError, within},
};

const AGAIN: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
/// A session that held so long was a good one.
const GOOD: Duration = Duration::from_secs(30);

struct Letter {
    event: Result<Arc<Event>, serde_json::Error>,
    delivery: Delivery,
}

/// One session after the other until told to stop.
pub(super) async fn run(bus: &Amqp, consumer: &Consumer, stop: &CancellationToken) {
    let mut failures = 0_u32;
    while !stop.is_cancelled() {
        let began = Instant::now();
        let ended = session(bus, consumer, stop).await;
        if stop.is_cancelled() {
            return;
        }
        failures = if began.elapsed() > GOOD {
            1
        } else {
            failures.saturating_add(1)
        };
        if failures == 1 {
            let error = ended.err().map(|error| error.to_string());
            tracing::warn!(
                consumer = consumer.name(),
                error,
                "no events from the broker, connecting again"
            );
        }
        stop.run_until_cancelled(tokio::time::sleep(AGAIN.after(failures)))
            .await;
    }
}

/// Ends when told to stop, when the connection is lost, or when the queue is deleted.
async fn session(bus: &Amqp, consumer: &Consumer, stop: &CancellationToken) -> Result<(), PortError> {
    let started = within("bus", ANSWER_LIMIT * 2, async {
        let channel = bus.consuming.channel().await?;
        topology::declare(&channel, &bus.names, consumer.subscription()).await?;
        let held = u16::try_from(HELD).unwrap_or(u16::MAX);
        let limited = channel.basic_qos(held, BasicQosOptions::default()).await;
        limited.map_err(|error| said(&error))?;
        let queue = bus.names.queue(consumer.name())?;
        let options = BasicConsumeOptions::default();
        let deliveries = channel.basic_consume(queue, "".into(), options, FieldTable::default());
        let deliveries = deliveries.await.map_err(|error| said(&error))?;
        Ok::<_, PortError>((channel, deliveries))
    });
    let (channel, deliveries) = started.await?;
    let letters = deliveries.scan((), |(), delivery| ready(delivery.ok().map(Letter::of)));
    lanes::run(letters, HELD, stop, Letter::subject, |letter| {
        handle(bus, consumer, letter, stop)
    })
    .await;
    // What is not acknowledged goes back to the queue with the channel.
    let _ = tokio::time::timeout(ANSWER_LIMIT, channel.close(200, "bye".into())).await;
    Ok(())
}

impl Letter {
    fn of(delivery: Delivery) -> Self {
        let event = serde_json::from_slice(&delivery.data).map(Arc::new);
        Self { event, delivery }
    }

    fn subject(&self) -> String {
        self.event
            .as_ref()
            .map_or_else(|_| String::new(), |event| event.subject.clone())
    }
}

async fn handle(bus: &Amqp, consumer: &Consumer, letter: Letter, stop: &CancellationToken) {
    let Letter { event, delivery } = letter;
    let failure = match event {
        Ok(event) => match consumer
            .work(&event, delivered_before(&delivery.properties), stop)
            .await
        {
            Outcome::Done => None,
            Outcome::Poison(failure) => Some(failure),
            Outcome::Stopped => return,
        },
        Err(error) => Some(consumer.unreadable(&error)),
    };
    if let Some(failure) = failure
        && !park(bus, consumer, &delivery, &failure, stop).await
    {
        return;
    }
    // An acknowledgement that is lost brings the event again, and the inbox knows it.
    if let Err(error) = delivery.ack(BasicAckOptions::default()).await {
        tracing::debug!(consumer = consumer.name(), %error, "an acknowledgement was lost");
    }
}

/// Keeps trying until the message is parked; `false` when told to stop before.
async fn park(
    bus: &Amqp,
    consumer: &Consumer,
    delivery: &Delivery,
    failure: &Failure,
    stop: &CancellationToken,
) -> bool {
    let mut failures = 0_u32;
    while let Err(error) = shelf::put(bus, consumer.name(), delivery, failure).await {
        failures = failures.saturating_add(1);
        tracing::warn!(consumer = consumer.name(), %error, "an event cannot be parked, trying again");
        let wait = tokio::time::sleep(AGAIN.after(failures));
        if stop.run_until_cancelled(wait).await.is_none() {
            return false;
        }
    }
    true
}

/// Deliveries before this one that ended without an answer: tries that a crash cut short.
fn delivered_before(properties: &BasicProperties) -> u32 {
    let headers = properties.headers().as_ref();
    let count = headers.and_then(|headers| headers.inner().get("x-delivery-count"));
    count.and_then(number).unwrap_or_default()
}

/// The broker chooses the width of its numbers.
pub(super) fn number(value: &AMQPValue) -> Option<u32> {
    match value {
        AMQPValue::ShortShortInt(number) => u32::try_from(*number).ok(),
        AMQPValue::ShortShortUInt(number) => Some((*number).into()),
        AMQPValue::ShortInt(number) => u32::try_from(*number).ok(),
        AMQPValue::ShortUInt(number) => Some((*number).into()),
        AMQPValue::LongInt(number) => u32::try_from(*number).ok(),
        AMQPValue::LongUInt(number) => Some(*number),
        AMQPValue::LongLongInt(number) => u32::try_from(*number).ok(),
        _ => None,
    }
}
