//! RabbitMQ: a durable topic exchange, one quorum queue a consumer, one more for what it could not apply.
//!
//! ```text
//! relay ──▶ exchange hostelpulse.events ──▶ queue hostelpulse.<consumer> ──▶ consumer
//!                                                   ▲          │ five tries, or 20 deliveries without an answer
//!                                            replay │          ▼
//!                                           queue hostelpulse.<consumer>.parked
//! ```
//!
//! Publishing and consuming have a connection each: while the broker blocks publishers it reads nothing from their
//! connections, and acknowledgements must not wait behind that.

mod consume;
mod link;
mod publish;
mod shelf;
mod topology;

use std::time::Duration;

use async_trait::async_trait;
use lapin::{
    protocol::{AMQPErrorKind, AMQPHardError, AMQPSoftError},
    uri::AMQPUri,
};
use tokio_util::sync::CancellationToken;
use url::Url;

use self::{link::Link, publish::Publisher, topology::Names};
use super::{
    Bus, Consumer, Event, Subscription,
    bus::refused,
    parked::{Parked, Shelf, Which},
};
use crate::port::{OpenError, PortError, within};

/// No question to the broker waits longer.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// A dead connection is noticed after two of these at most.
const HEARTBEAT_SECONDS: u16 = 7;

pub(super) struct Amqp {
    names: Names,
    publisher: Publisher,
    /// For everything that is not publishing.
    consuming: Link,
}

impl Amqp {
    /// Connects at once, so that a wrong URL is known at the start.
    pub(super) async fn open(url: &Url) -> Result<Self, OpenError> {
        let uri = uri_of(url).map_err(|why| OpenError::new("bus", url, why))?;
        let opened = within("bus", ANSWER_LIMIT * 2, async {
            link::connect(&uri, "opening").await.map_err(Unopened)
        });
        match opened.await {
            Ok(connection) => drop(connection),
            Err(error) => return Err(OpenError::new("bus", url, words_of(error))),
        }
        let names = Names::with_prefix(prefix_of(url));
        Ok(Self {
            publisher: Publisher::new(Link::new(uri.clone(), "hostelpulse publishes"), names.clone()),
            consuming: Link::new(uri, "hostelpulse consumes"),
            names,
        })
    }
}

#[async_trait]
impl Bus for Amqp {
    async fn publish(&self, event: &Event) -> Result<(), PortError> {
        self.publisher.event(event).await
    }

    async fn declare(&self, subscriptions: &[Subscription]) -> Result<(), PortError> {
        within("bus", ANSWER_LIMIT * 2, async {
            let channel = self.consuming.channel().await?;
            for subscription in subscriptions {
                topology::declare(&channel, &self.names, subscription).await?;
            }
            Ok::<_, PortError>(())
        })
        .await
    }

    async fn consume(&self, consumer: Consumer, stop: CancellationToken) -> Result<(), PortError> {
        consume::run(self, &consumer, &stop).await;
        Ok(())
    }

    async fn parked(&self, place: &Shelf, which: &Which) -> Result<Vec<Parked>, PortError> {
        shelf::list(self, &place.consumer, which).await
    }

    async fn replay(&self, place: &Shelf, which: &Which) -> Result<u64, PortError> {
        shelf::replay(self, &place.consumer, which).await
    }

    async fn ping(&self) -> Result<(), PortError> {
        within("bus", ANSWER_LIMIT, self.consuming.channel()).await.map(drop)
    }
}

/// lapin reads the vhost of `amqp://host/` as an empty name and loses the host of `amqp://[::1]`.
fn uri_of(url: &Url) -> Result<AMQPUri, String> {
    let mut uri: AMQPUri = url.as_str().parse()?;
    if let Some(host) = url.host_str() {
        host.trim_matches(['[', ']']).clone_into(&mut uri.authority.host);
    }
    if uri.vhost.is_empty() {
        "/".clone_into(&mut uri.vhost);
    }
    uri.query.heartbeat.get_or_insert(HEARTBEAT_SECONDS);
    Ok(uri)
}

fn prefix_of(url: &Url) -> String {
    let prefix = url.query_pairs().find(|(name, _)| name == "prefix");
    prefix.map_or_else(|| "hostelpulse".to_owned(), |(_, prefix)| prefix.into_owned())
}

/// What the client library says, as the port says it: an error about one event or question, or about the whole bus.
fn said(error: &lapin::Error) -> PortError {
    match error.kind() {
        lapin::ErrorKind::ProtocolError(said) if matches!(said.kind(), AMQPErrorKind::Soft(_)) => {
            refused(said.get_message().to_string())
        }
        _ => PortError::Unavailable {
            port: "bus",
            why: error.to_string(),
        },
    }
}

/// A connection that could not be made, told to the operator who wrote the URL.
struct Unopened(lapin::Error);

impl From<Unopened> for PortError {
    fn from(Unopened(error): Unopened) -> Self {
        let lapin::ErrorKind::ProtocolError(answer) = error.kind() else {
            return said(&error);
        };
        match answer.kind() {
            AMQPErrorKind::Soft(AMQPSoftError::ACCESSREFUSED) => refused("wrong user or password"),
            AMQPErrorKind::Hard(AMQPHardError::NOTALLOWED) => refused(format!("{} (the vhost)", answer.get_message())),
            _ => refused(answer.get_message().to_string()),
        }
    }
}

fn words_of(error: PortError) -> String {
    match error {
        PortError::Unavailable { why, .. } | PortError::Refused { why, .. } => why,
        PortError::TimedOut { within, .. } => format!("no answer within {within:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_means_what_it_says() {
        let uri = |text: &str| uri_of(&Url::parse(text).unwrap()).unwrap();
        assert_eq!(uri("amqp://a:b@host").vhost, "/");
        assert_eq!(uri("amqp://a:b@host/").vhost, "/");
        assert_eq!(uri("amqp://a:b@host/campus").vhost, "campus");
        assert_eq!(uri("amqp://a:b@[::1]:5672/").authority.host, "::1");
        assert_eq!(uri("amqp://a:b@host").query.heartbeat, Some(HEARTBEAT_SECONDS));
        assert_eq!(uri("amqp://a:b@host?heartbeat=30").query.heartbeat, Some(30));
    }
}
