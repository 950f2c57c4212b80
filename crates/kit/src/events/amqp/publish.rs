//! Publishing: done only when the broker has confirmed the message and given it back to nobody.

use std::sync::{Mutex, PoisonError};

use lapin::{
    BasicProperties, Channel, Confirmation,
    options::{BasicPublishOptions, ConfirmSelectOptions},
    types::ShortString,
};
use tokio::sync::Semaphore;

use super::{
    ANSWER_LIMIT,
    link::Link,
    refused, said,
    topology::{self, Names, short},
};
use crate::{
    events::Event,
    port::{PortError, within},
};

/// Messages on their way at once.
const AT_ONCE: usize = 64;
const PERSISTENT: u8 = 2;

pub(super) struct Publisher {
    link: Link,
    names: Names,
    /// Channels that nobody uses at the moment. A channel carries one message at a time: the broker may confirm several
    /// messages of a channel in one stroke, and then nobody can tell which of them it gave back as unroutable.
    idle: Mutex<Vec<Channel>>,
    permits: Semaphore,
}

impl Publisher {
    pub(super) fn new(link: Link, names: Names) -> Self {
        Self {
            link,
            names,
            idle: Mutex::new(Vec::new()),
            permits: Semaphore::new(AT_ONCE),
        }
    }

    pub(super) async fn event(&self, event: &Event) -> Result<(), PortError> {
        let body = serde_json::to_vec(event).map_err(|error| refused(error.to_string()))?;
        let properties = BasicProperties::default()
            .with_content_type("application/cloudevents+json".into())
            .with_message_id(short(event.id.to_string())?)
            .with_type(short(event.kind.clone())?)
            .with_timestamp(u64::try_from(event.time.timestamp()).unwrap_or_default());
        let exchange = self.names.exchange()?;
        self.send(exchange, short(event.kind.clone())?, &body, properties).await
    }

    /// Returns when the message is on the disks of a queue.
    pub(super) async fn send(
        &self,
        exchange: ShortString,
        key: ShortString,
        body: &[u8],
        properties: BasicProperties,
    ) -> Result<(), PortError> {
        // Never closed, so a permit always comes; whoever waits has its own limit.
        let _permit = self.permits.acquire().await;
        within("bus", ANSWER_LIMIT, async {
            let channel = self.channel().await?;
            let properties = properties.with_delivery_mode(PERSISTENT);
            // A channel on which anything went wrong is dropped, and thereby closed.
            let confirmation = confirmed(&channel, exchange, key, body, properties).await?;
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(channel);
            judge(confirmation)
        })
        .await
    }

    async fn channel(&self) -> Result<Channel, PortError> {
        let connection = self.link.connection().await?;
        if connection.status().blocked() {
            return Err(PortError::Unavailable {
                port: "bus",
                why: "the broker is short of memory or disk and takes nothing".to_owned(),
            });
        }
        loop {
            let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            match idle {
                Some(channel) if channel.status().connected() => return Ok(channel),
                Some(gone) => drop(gone),
                None => break,
            }
        }
        let channel = connection.create_channel().await.map_err(|error| said(&error))?;
        topology::declare_exchange(&channel, &self.names).await?;
        let confirms = channel.confirm_select(ConfirmSelectOptions::default()).await;
        confirms.map_err(|error| said(&error))?;
        Ok(channel)
    }
}

async fn confirmed(
    channel: &Channel,
    exchange: ShortString,
    key: ShortString,
    body: &[u8],
    properties: BasicProperties,
) -> Result<Confirmation, PortError> {
    let options = BasicPublishOptions {
        mandatory: true,
        ..Default::default()
    };
    let written = channel.basic_publish(exchange, key, options, body, properties).await;
    let confirm = written.map_err(|error| said(&error))?;
    confirm.await.map_err(|error| said(&error))
}

fn judge(confirmation: Confirmation) -> Result<(), PortError> {
    match confirmation {
        Confirmation::Ack(None) => Ok(()),
        // An unroutable message is confirmed as well.
        Confirmation::Ack(Some(returned)) | Confirmation::Nack(Some(returned)) => Err(refused(format!(
            "the broker gave the message back: {} {}",
            returned.reply_code, returned.reply_text
        ))),
        Confirmation::Nack(None) => Err(refused("the broker could not keep the message")),
        Confirmation::NotRequested => Err(refused("the broker was not asked to confirm")),
    }
}
