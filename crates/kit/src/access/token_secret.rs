//! HS256 for people's tokens, where an installation asks for it.

use std::sync::Arc;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, errors::Error};
use secrecy::{ExposeSecret as _, SecretString};

use super::{ACCESS_TOKEN_TYPE, Claims};

/// The one key id under which HS256 is accepted, and with no other secret than the configured one.
pub const HS256_KID: &str = "hs256";
/// RFC 7518, 3.2: at least as long as the hash.
const SHORTEST_SECRET: usize = 32;

/// The secret that auth signs access tokens with, and everybody else verifies them with.
#[derive(Clone)]
pub struct TokenSecret(Arc<SecretString>);

impl TokenSecret {
    /// Refuses secrets that are too short to be safe.
    pub fn new(secret: SecretString) -> Result<Self, String> {
        let length = secret.expose_secret().len();
        if length < SHORTEST_SECRET {
            return Err(format!("must be at least {SHORTEST_SECRET} bytes, it has {length}"));
        }
        Ok(Self(Arc::new(secret)))
    }

    /// An access token.
    pub fn sign(&self, claims: &Claims) -> Result<String, Error> {
        let header = Header {
            typ: Some(ACCESS_TOKEN_TYPE.to_owned()),
            kid: Some(HS256_KID.to_owned()),
            ..Header::new(Algorithm::HS256)
        };
        jsonwebtoken::encode(&header, claims, &EncodingKey::from_secret(self.bytes()))
    }

    pub(super) fn verifying_key(&self) -> DecodingKey {
        DecodingKey::from_secret(self.bytes())
    }

    fn bytes(&self) -> &[u8] {
        self.0.expose_secret().as_bytes()
    }
}
