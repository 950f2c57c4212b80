//! One thing that happened.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::chain::{Digest, Hash};

/// What happened, before it has a place in the chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    pub id: Uuid,
    pub occurred_at: DateTime<Utc>,
    pub actor_id: String,
    pub actor_role: String,
    /// The event's type.
    pub action: String,
    pub resource_type: String,
    pub resource_id: String,
}

/// What may name people: kept beside the chain, which covers only its digest.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Details {
    pub ip: Option<String>,
    pub user_agent: Option<String>,
    pub request_id: Option<String>,
    pub changes: Value,
}

/// A fact in its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// From 1, without gaps.
    pub sequence: u64,
    pub fact: Fact,
    /// JSON text of [`Details`]; `None` once erased.
    pub details: Option<String>,
    pub salt: String,
    /// Of salt and details.
    pub digest: Digest,
    pub hash: Hash,
}

impl Entry {
    /// Loses its details for good; its digest stays, and the chain with it.
    pub fn forget(&mut self) {
        self.details = None;
        self.salt.clear();
    }

    /// The details as they can be read: nothing where they are erased, or where somebody wrote nonsense over them.
    pub fn read_details(&self) -> Details {
        let text = self.details.as_deref().unwrap_or_default();
        serde_json::from_str(text).unwrap_or_default()
    }
}

/// How the type of an event ends that says that somebody was erased: its subject is who.
const ERASED: &str = ".erased.v1";

impl Fact {
    /// Whether this says that somebody was erased.
    pub fn erases(&self) -> bool {
        self.action.ends_with(ERASED)
    }

    /// The kind of thing that an event of this type is about: `user` of `hostelpulse.user.created.v1`.
    pub fn resource_type_of(action: &str) -> String {
        action.split('.').nth(1).unwrap_or_default().to_owned()
    }
}
