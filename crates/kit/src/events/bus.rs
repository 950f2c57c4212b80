//! The bus port: carries events from relays to consumers, chosen by URL.
//!
//! `memory://` joins the services of one process; `amqp://…` is RabbitMQ. Both keep the same promises.

use std::sync::Arc;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{
    Consumer, Event, Subscription, amqp, memory,
    parked::{Parked, Shelf, Which},
};
use crate::port::{OpenError, PortError};

/// The schemes of URLs that this port opens.
pub const SCHEMES: &[&str] = &["memory", "amqp", "amqps"];

/// Carries events, and keeps what could not be applied.
///
/// `PortError::Unavailable` means that the bus takes nothing at all at the moment; any other error is about one event.
#[async_trait]
pub trait Bus: Send + Sync {
    /// Returns only when the event is safe: with every consumer that wants it (memory), or with the broker and routed to
    /// at least one queue (RabbitMQ). An event that reaches no queue is a failure and stays in the outbox; a deployed
    /// system has the audit, which hears everything.
    async fn publish(&self, event: &Event) -> Result<(), PortError>;

    /// Makes room for these consumers. From then on their events wait for them, whether they run or not; so this comes
    /// before the first relay starts.
    async fn declare(&self, subscriptions: &[Subscription]) -> Result<(), PortError>;

    /// Hands a consumer its events until told to stop; goes on by itself after any outage.
    async fn consume(&self, consumer: Consumer, stop: CancellationToken) -> Result<(), PortError>;

    /// What a consumer could not apply, at most [`super::parked::MOST`], oldest first.
    async fn parked(&self, place: &Shelf, which: &Which) -> Result<Vec<Parked>, PortError>;

    /// Gives parked events to their consumer again; says how many.
    async fn replay(&self, place: &Shelf, which: &Which) -> Result<u64, PortError>;

    /// Whether the bus answers.
    async fn ping(&self) -> Result<(), PortError>;
}

/// Opens `memory://` or `amqp://user:password@host:port/vhost` (`amqps://…`). `?prefix=…` names exchange and queues
/// otherwise than `hostelpulse.…`, so that several installations can share a broker.
pub async fn open(url: &Url) -> Result<Arc<dyn Bus>, OpenError> {
    match url.scheme() {
        "memory" => Ok(Arc::new(memory::Memory::default())),
        "amqp" | "amqps" => Ok(Arc::new(amqp::Amqp::open(url).await?)),
        _ => Err(OpenError::unknown_scheme("bus", url, SCHEMES)),
    }
}

/// An error about one event.
pub(super) fn refused(why: impl Into<String>) -> PortError {
    PortError::Refused {
        port: "bus",
        why: why.into(),
    }
}
