//! The queue of what a consumer could not apply: put there with the reason, looked at without taking, given back.

use std::time::Duration;

use chrono::{DateTime, Utc};
use lapin::{
    BasicProperties, Channel,
    message::{BasicGetMessage, Delivery},
    options::{BasicAckOptions, BasicGetOptions},
    types::{AMQPValue, FieldTable, ShortString},
};

use super::{ANSWER_LIMIT, Amqp, consume::number, said};
use crate::{
    events::{
        consumer::Failure,
        parked::{self, MOST, Parked, Which},
    },
    port::{PortError, within},
};

const ERROR: &str = "x-hostelpulse-error";
const TRIES: &str = "x-hostelpulse-tries";
const FIRST_FAILED_AT: &str = "x-hostelpulse-first-failed-at";
const LAST_FAILED_AT: &str = "x-hostelpulse-last-failed-at";
/// Headers have to fit into one frame of the protocol.
const ERROR_LENGTH: usize = 4000;
/// A whole list or replay takes no longer.
const VISIT_LIMIT: Duration = Duration::from_mins(1);

/// Parks a message with the reason.
pub(super) async fn put(bus: &Amqp, consumer: &str, delivery: &Delivery, failure: &Failure) -> Result<(), PortError> {
    let error: String = failure.error.chars().take(ERROR_LENGTH).collect();
    let mut headers = FieldTable::default();
    headers.insert(ERROR.into(), AMQPValue::LongString(error.into()));
    headers.insert(TRIES.into(), AMQPValue::LongUInt(failure.tries));
    headers.insert(FIRST_FAILED_AT.into(), time(failure.first_failed_at));
    headers.insert(LAST_FAILED_AT.into(), time(failure.last_failed_at));
    let properties = delivery.properties.clone().with_headers(headers);
    let queue = bus.names.parked(consumer)?;
    bus.publisher.send("".into(), queue, &delivery.data, properties).await
}

/// Looks at what is parked; it all goes back when the channel is closed.
pub(super) async fn list(bus: &Amqp, consumer: &str, which: &Which) -> Result<Vec<Parked>, PortError> {
    within("bus", VISIT_LIMIT, async {
        let channel = bus.consuming.channel().await?;
        let queue = bus.names.parked(consumer)?;
        let mut found = Vec::new();
        let mut left = u32::MAX;
        while left > 0 && found.len() < MOST {
            let Some(message) = get(&channel, &queue).await? else {
                break;
            };
            left = message.message_count;
            if is_meant(&message, which) {
                found.push(read(consumer, &message));
            }
        }
        close(&channel).await;
        Ok::<_, PortError>(found)
    })
    .await
}

/// Publishes to the consumer's queue, and takes from here what is safe there.
pub(super) async fn replay(bus: &Amqp, consumer: &str, which: &Which) -> Result<u64, PortError> {
    within("bus", VISIT_LIMIT, async {
        let channel = bus.consuming.channel().await?;
        let (queue, parked) = (bus.names.queue(consumer)?, bus.names.parked(consumer)?);
        let mut replayed = 0;
        // What fails again meanwhile comes in behind and is not for this round.
        let mut left = u32::MAX;
        while left > 0 {
            let Some(message) = get(&channel, &parked).await? else {
                break;
            };
            left = (left - 1).min(message.message_count);
            if !is_meant(&message, which) {
                continue;
            }
            let properties = message.properties.clone().with_headers(FieldTable::default());
            bus.publisher
                .send("".into(), queue.clone(), &message.data, properties)
                .await?;
            let acknowledged = message.ack(BasicAckOptions::default()).await;
            acknowledged.map_err(|error| said(&error))?;
            replayed += 1;
        }
        close(&channel).await;
        Ok::<_, PortError>(replayed)
    })
    .await
}

async fn get(channel: &Channel, queue: &ShortString) -> Result<Option<BasicGetMessage>, PortError> {
    let got = channel.basic_get(queue.clone(), BasicGetOptions::default()).await;
    got.map_err(|error| said(&error))
}

async fn close(channel: &Channel) {
    let _ = tokio::time::timeout(ANSWER_LIMIT, channel.close(200, "bye".into())).await;
}

fn is_meant(message: &Delivery, which: &Which) -> bool {
    match which {
        Which::All => true,
        Which::One(id) => id_of(&message.properties) == id,
    }
}

fn id_of(properties: &BasicProperties) -> &str {
    properties.message_id().as_ref().map_or("", ShortString::as_str)
}

fn read(consumer: &str, message: &Delivery) -> Parked {
    let headers = message.properties.headers().as_ref();
    let header = |name: &str| headers.and_then(|headers| headers.inner().get(name));
    let text = |name: &str| match header(name) {
        Some(AMQPValue::LongString(text)) => Some(text.to_string()),
        _ => None,
    };
    let time = |name: &str| text(name).and_then(|text| text.parse::<DateTime<Utc>>().ok());
    Parked {
        id: id_of(&message.properties).to_owned(),
        consumer: consumer.to_owned(),
        event: parked::readable(&message.data),
        // Without a reason of ours it was the broker that parked it.
        error: text(ERROR)
            .unwrap_or_else(|| "every delivery ended without an answer: did the consumer die?".to_owned()),
        tries: header(TRIES).and_then(number).unwrap_or_default(),
        first_failed_at: time(FIRST_FAILED_AT),
        last_failed_at: time(LAST_FAILED_AT),
        replay_requested: false,
    }
}

fn time(at: DateTime<Utc>) -> AMQPValue {
    AMQPValue::LongString(at.to_rfc3339().into())
}
