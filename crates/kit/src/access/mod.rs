//! Who is calling, and whether they may.
//!
//! Every service reads who may call an rpc from the contract itself and enforces it here, so that a caller over gRPC
//! meets the same rules as one over HTTP. Ownership ("only their own") is a rule of the service, not of this room.

mod api_key;
mod caller;
mod ended;
mod layer;
mod policy;
mod service_token;
pub(crate) mod signature;
mod token;
mod token_secret;
mod verifier;

pub use api_key::{API_KEY_PREFIX, Admitted};
pub use caller::{Caller, Identity, role_name};
pub use layer::{Access, AccessLayer};
pub use policy::{MethodPolicy, Policies, PolicyError};
pub use service_token::{ServiceSecret, ServiceTokens};
pub use token::{ACCESS_TOKEN_TYPE, AUDIENCE, Claims, ISSUER, KeyId};
pub use token_secret::{HS256_KID, TokenSecret};
pub use verifier::{KeySource, Secrets, Verified, Verifier};

/// Names of the metadata that the gateway sends along. What it says of the client is believed only beside a service
/// token, because anybody who reaches a service directly could write the same.
pub mod metadata {
    pub const AUTHORIZATION: &str = "authorization";
    pub const REQUEST_ID: &str = "x-request-id";
    pub const TRACEPARENT: &str = "traceparent";
    /// A service token of the one who forwards.
    pub const FORWARDED_BY: &str = "hostelpulse-forwarded-by";
    pub const CLIENT_IP: &str = "hostelpulse-client-ip";
    pub const CLIENT_AGENT: &str = "hostelpulse-client-agent";
    pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
}
