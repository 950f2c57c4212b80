//! Domain events: written to the outbox with the change, carried by the bus, applied once by each consumer.
//!
//! ```text
//! operation ── one transaction: change + outbox row ──▶ relay ──▶ bus ──▶ consumer ── one transaction: inbox row + effect
//! ```
//!
//! What is promised: nothing is published that was not committed; nothing committed stays unpublished; events of one
//! subject arrive in the order of their versions; an event is delivered at least once and applied once by each consumer;
//! an event that a consumer cannot apply is parked after five tries and stands in nobody's way.
//!
//! | file | what lives there |
//! |---|---|
//! | `outbox` | the ledger of what a service said: written with the change, replayed on demand |
//! | `relay` | carries the outbox to the bus |
//! | `bus` | the port; `memory` and `amqp` are its adapters |
//! | `consumer` | one try, five tries, the inbox |
//! | `lanes` | one subject after the other, many subjects at once |
//! | `parked` | what no consumer could apply, for the operator |

mod amqp;
pub mod bus;
mod consumer;
mod inbox;
mod lanes;
mod memory;
mod migration;
pub mod outbox;
pub mod parked;
mod relay;
mod topic;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use bus::Bus;
pub use consumer::{Consumer, Hear, Heard, Subscription};
pub use migration::migrations;
pub use outbox::Draft;
pub use relay::Relay;

use crate::{
    access::{Caller, Identity},
    json::{self, Mismatch},
};

/// A domain event: CloudEvents 1.0 in its JSON form, with our extension attributes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub specversion: String,
    pub id: Uuid,
    /// The service that says it: `/hostelpulse/auth`.
    pub source: String,
    /// `hostelpulse.user.created.v1`.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it happened.
    pub time: DateTime<Utc>,
    /// The aggregate that it is about: an id.
    pub subject: String,
    pub datacontenttype: String,
    /// Place among the events of its subject, from 1; the next one's is higher, not always by one.
    pub version: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    pub actor: Actor,
    pub data: serde_json::Value,
}

impl Event {
    /// What it says, as the message of the contract that its type stands for.
    pub fn read<M: prost::Message + prost::Name + Default + 'static>(&self) -> Result<M, Heard> {
        json::from_value(&self.data).map_err(|mismatch: Mismatch| Heard::Fail(mismatch.to_string()))
    }

    /// Who acts where a service acts on this event.
    pub fn heard_by(&self, service: &str) -> Caller {
        Caller {
            traceparent: self.traceparent.clone(),
            ..Caller::service(service, self.id.to_string())
        }
    }
}

/// Who caused an event.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Actor {
    /// User id or service name; empty for nobody.
    pub id: String,
    /// A user's role, or `service`.
    pub role: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl From<&Caller> for Actor {
    fn from(caller: &Caller) -> Self {
        let (id, role) = match &caller.identity {
            Identity::Nobody => (String::new(), String::new()),
            Identity::User { id, role, .. } => (id.to_string(), role.as_str_name().to_lowercase()),
            Identity::Service { name } => (name.clone(), "service".to_owned()),
        };
        Self {
            id,
            role,
            ip: caller.ip.clone(),
            user_agent: caller.user_agent.clone(),
            request_id: Some(caller.request_id.clone()).filter(|id| !id.is_empty()),
        }
    }
}
