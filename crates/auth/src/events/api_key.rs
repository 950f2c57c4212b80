//! What happens to API keys.

use kit::{Clock, access::Caller, clock::timestamp, events::Draft};
use proto::auth::{ApiKey as Message, ApiKeyCreated, ApiKeyRefused, ApiKeyRevoked, ApiKeyUsed};
use uuid::Uuid;

use super::SOURCE;
use crate::domain::api_key::ApiKey;

/// A key was created.
pub(crate) fn created(clock: &Clock, caller: &Caller, key: &ApiKey) -> Draft {
    let event = ApiKeyCreated {
        api_key: Some(message(key)),
    };
    Draft::new(clock, caller, SOURCE, key.id, key.version, &event)
}

/// A key was revoked.
pub(crate) fn revoked(clock: &Clock, caller: &Caller, key: &ApiKey) -> Draft {
    let event = ApiKeyRevoked {
        api_key: Some(message(key)),
    };
    Draft::new(clock, caller, SOURCE, key.id, key.version, &event)
}

/// A key is in use; `version` is the key's after it.
pub(crate) fn used(clock: &Clock, caller: &Caller, (key, version): (Uuid, i64)) -> Draft {
    let event = ApiKeyUsed {
        api_key_id: key.to_string(),
        ip: caller.ip.clone(),
    };
    Draft::new(clock, caller, SOURCE, key, version, &event)
}

/// A key was refused at an address that it may not be used from; `version` is the key's after it.
pub(crate) fn refused(clock: &Clock, caller: &Caller, (key, version): (Uuid, i64)) -> Draft {
    let event = ApiKeyRefused {
        api_key_id: key.to_string(),
        ip: caller.ip.clone(),
    };
    Draft::new(clock, caller, SOURCE, key, version, &event)
}

/// A key as events and answers show it.
pub(crate) fn message(key: &ApiKey) -> Message {
    Message {
        id: key.id.to_string(),
        name: key.name.as_str().to_owned(),
        prefix: key.prefix.clone(),
        role: key.role.into(),
        owner_id: key.owner_id.to_string(),
        allowed_ips: key.allowed_ips.texts().collect(),
        created_at: Some(timestamp(key.created_at)),
        expires_at: Some(timestamp(key.expires_at)),
        last_used_at: key.last_used_at.map(timestamp),
        revoked_at: key.revoked_at.map(timestamp),
    }
}
