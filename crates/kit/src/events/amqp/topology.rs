//! The exchange and the queues: durable, declared as often as anybody likes.

use lapin::{
    Channel, ExchangeKind,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable, ShortString},
};

use super::{refused, said};
use crate::{events::Subscription, port::PortError};

/// After so many deliveries that ended without an answer (the consumer died, again and again) the broker itself parks a
/// message. RabbitMQ 4 would drop it after 20; 3.x would deliver it for ever.
const DELIVERIES: i64 = 20;
/// Looking at parked messages counts as delivering them; they must never be dropped for that.
const ENDLESS: i64 = 1_000_000_000;

#[derive(Clone, Debug)]
pub(super) struct Names {
    prefix: String,
}

impl Names {
    pub(super) fn with_prefix(prefix: String) -> Self {
        Self { prefix }
    }

    pub(super) fn exchange(&self) -> Result<ShortString, PortError> {
        short(format!("{}.events", self.prefix))
    }

    pub(super) fn queue(&self, consumer: &str) -> Result<ShortString, PortError> {
        short(format!("{}.{consumer}", self.prefix))
    }

    pub(super) fn parked(&self, consumer: &str) -> Result<ShortString, PortError> {
        short(format!("{}.{consumer}.parked", self.prefix))
    }
}

/// Names, keys and ids have at most 255 bytes on the wire.
pub(super) fn short(text: impl Into<String>) -> Result<ShortString, PortError> {
    ShortString::try_new(text).map_err(|error| refused(error.to_string()))
}

pub(super) async fn declare_exchange(channel: &Channel, names: &Names) -> Result<(), PortError> {
    let options = ExchangeDeclareOptions {
        durable: true,
        ..Default::default()
    };
    let declared = channel.exchange_declare(names.exchange()?, ExchangeKind::Topic, options, FieldTable::default());
    declared.await.map_err(|error| said(&error))
}

/// The exchange, the consumer's two queues, the bindings.
pub(super) async fn declare(channel: &Channel, names: &Names, subscription: &Subscription) -> Result<(), PortError> {
    let queue = names.queue(&subscription.consumer)?;
    let parked = names.parked(&subscription.consumer)?;
    declare_exchange(channel, names).await?;
    declare_queue(channel, &parked, arguments(ENDLESS)).await?;
    let mut of_queue = arguments(DELIVERIES);
    // Of several replicas one hears at a time, and another takes over when it goes: else subjects lose their order.
    of_queue.insert("x-single-active-consumer".into(), AMQPValue::Boolean(true));
    of_queue.insert("x-dead-letter-exchange".into(), text(""));
    of_queue.insert("x-dead-letter-routing-key".into(), text(parked.as_str()));
    // The broker moves a message to the other queue before it forgets it here.
    of_queue.insert("x-dead-letter-strategy".into(), text("at-least-once"));
    of_queue.insert("x-overflow".into(), text("reject-publish"));
    declare_queue(channel, &queue, of_queue).await?;
    for topic in &subscription.topics {
        let options = QueueBindOptions::default();
        let bound = channel.queue_bind(
            queue.clone(),
            names.exchange()?,
            short(topic)?,
            options,
            FieldTable::default(),
        );
        bound.await.map_err(|error| said(&error))?;
    }
    Ok(())
}

async fn declare_queue(channel: &Channel, name: &ShortString, arguments: FieldTable) -> Result<(), PortError> {
    let declared = channel.queue_declare(name.clone(), QueueDeclareOptions::durable(), arguments);
    declared.await.map(drop).map_err(|error| said(&error))
}

fn arguments(deliveries: i64) -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), text("quorum"));
    arguments.insert("x-delivery-limit".into(), AMQPValue::LongLongInt(deliveries));
    arguments
}

fn text(text: &str) -> AMQPValue {
    AMQPValue::LongString(text.into())
}
