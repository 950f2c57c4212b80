//! What an access token says.

use proto::options::Role;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Who signs: the auth service.
pub const ISSUER: &str = "hostelpulse";
/// Whom access tokens are for.
pub const AUDIENCE: &str = "hostelpulse-api";
/// The `typ` of an access token's header (RFC 9068), so that no other token of ours passes for one.
pub const ACCESS_TOKEN_TYPE: &str = "at+jwt";

/// Clocks of two machines may differ by this many seconds.
pub(super) const LEEWAY: i64 = 30;

/// The longest life of a token, in seconds. Auth gives none a longer one.
const LONGEST_LIFE: i64 = 3600;

/// The id of a signing key.
pub type KeyId = String;

/// The claims of an access token.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Claims {
    pub iss: String,
    pub aud: String,
    /// The user.
    pub sub: Uuid,
    /// The session, which ends with sign-out.
    pub sid: Uuid,
    /// The user's role at sign-in, `warden`.
    pub role: String,
    pub jti: Uuid,
    pub iat: i64,
    pub nbf: i64,
    pub exp: i64,
}

impl Claims {
    /// The role, where it is one that this program knows.
    pub fn role(&self) -> Option<Role> {
        Role::from_str_name(&self.role.to_uppercase()).filter(|role| *role != Role::Unspecified)
    }
    /// Whether they hold at a time, in seconds since 1970. One that was made to hold longer than any of ours does not:
    /// those who withdraw a key or a session count on its tokens to end.
    pub(super) fn hold_at(&self, now: i64) -> bool {
        let begun = self.nbf <= now + LEEWAY && self.iat <= now + LEEWAY;
        begun && now < self.exp && self.exp.saturating_sub(self.iat) <= LONGEST_LIFE + LEEWAY
    }
}
