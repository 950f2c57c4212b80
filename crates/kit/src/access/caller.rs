//! Who makes a call, and from where.

use http::HeaderMap;
use proto::options::Role;
use tonic::Request;
use uuid::Uuid;

use super::metadata;
use crate::Fault;

/// Who makes a call, and from where. The access layer puts it into every request's extensions.
#[derive(Clone, Debug)]
pub struct Caller {
    pub identity: Identity,
    pub request_id: String,
    /// The client's address as the gateway saw it.
    pub ip: Option<String>,
    pub user_agent: Option<String>,
    /// The client's `Idempotency-Key`.
    pub idempotency_key: Option<String>,
    /// W3C trace context of the call.
    pub traceparent: Option<String>,
}

/// Somebody, or nobody.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Identity {
    Nobody,
    User { id: Uuid, role: Role, session: Uuid },
    Service { name: String },
}

impl Caller {
    /// A service acting by itself: a job, a command, the answer to an event.
    pub fn service(name: &str, request_id: String) -> Self {
        let identity = Identity::Service { name: name.to_owned() };
        Self {
            identity,
            request_id,
            ip: None,
            user_agent: None,
            idempotency_key: None,
            traceparent: None,
        }
    }

    /// The caller of a request that came through the access layer.
    pub fn of<T>(request: &Request<T>) -> Result<Self, Fault> {
        let caller = request.extensions().get::<Self>().cloned();
        caller.ok_or_else(|| Fault::internal("a request reached a service without passing the access layer"))
    }

    /// The signed-in user; anybody else is refused.
    pub fn user(&self) -> Result<(Uuid, Role), Fault> {
        match self.identity {
            Identity::User { id, role, .. } => Ok((id, role)),
            Identity::Nobody | Identity::Service { .. } => Err(Fault::unauthenticated("Sign in to do this")),
        }
    }

    pub(super) fn new(identity: Identity, headers: &HeaderMap, forwarded: bool) -> Self {
        let text = |name: &str| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        let told = |name: &str| if forwarded { text(name) } else { None };
        Self {
            identity,
            request_id: text(metadata::REQUEST_ID).unwrap_or_default(),
            ip: told(metadata::CLIENT_IP),
            user_agent: told(metadata::CLIENT_AGENT),
            idempotency_key: text(metadata::IDEMPOTENCY_KEY),
            traceparent: text(metadata::TRACEPARENT),
        }
    }
}

/// A role as it stands in tokens, events and JSON: `warden`.
pub fn role_name(role: Role) -> String {
    role.as_str_name().to_lowercase()
}
