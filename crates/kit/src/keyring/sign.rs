//! Messages signed by HMAC-SHA256.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::{Keyring, purpose::Purpose};

/// Signs the messages of one purpose. Cheap to clone.
#[derive(Clone)]
pub struct Signer(Arc<Purpose<Hmac<Sha256>>>);

impl Signer {
    pub(super) fn new(keyring: Keyring, purpose: &str) -> Self {
        let make = |key: &[u8; 32]| Hmac::new_from_slice(key).expect("HMAC takes keys of any length");
        Self(Arc::new(Purpose::new(keyring, "sign", purpose, make)))
    }

    /// The signature by the current key: its id, a dot, base64url.
    pub fn sign(&self, message: &[u8]) -> String {
        let keys = self.0.now();
        let current = &keys[0];
        let tag = current.key.clone().chain_update(message).finalize().into_bytes();
        format!("{}.{}", current.id, URL_SAFE_NO_PAD.encode(tag))
    }

    /// Whether a key of the ring signed this message, for this purpose. Takes as long for a wrong signature as for the
    /// right one.
    pub fn verify(&self, message: &[u8], signature: &str) -> bool {
        let Some((key_id, tag)) = signature.split_once('.') else {
            return false;
        };
        let Ok(tag) = URL_SAFE_NO_PAD.decode(tag) else {
            return false;
        };
        let verified = self.0.with(key_id, |key| {
            key.clone().chain_update(message).verify_slice(&tag).is_ok()
        });
        verified.unwrap_or(false)
    }

    /// The bare tag of a message by the key of this id, for formats that carry the id elsewhere; `None` where the ring does not
    /// know the key.
    pub fn tag(&self, key_id: &str, message: &[u8]) -> Option<[u8; 32]> {
        let tag = |key: &Hmac<Sha256>| key.clone().chain_update(message).finalize().into_bytes().into();
        self.0.with(key_id, tag)
    }

    /// The bare tags of a message by the keys that may be current in some process while they are rotated, each once: first by the
    /// current one, then by the one before it and by the one added last. For what is too short to carry a key's id.
    pub fn tags(&self, message: &[u8]) -> Vec<[u8; 32]> {
        let keys = self.0.now();
        let (recent, others) = keys.split_at(keys.len().min(2));
        let tag = |key: &Hmac<Sha256>| key.clone().chain_update(message).finalize().into_bytes().into();
        recent
            .iter()
            .chain(others.last())
            .map(|derived| tag(&derived.key))
            .collect()
    }

    /// Whether this is the tag of a message by the key of this id. Takes as long for a wrong tag as for the right one.
    pub fn holds(&self, key_id: &str, message: &[u8], tag: &[u8]) -> bool {
        let holds = |key: &Hmac<Sha256>| key.clone().chain_update(message).verify_slice(tag).is_ok();
        self.0.with(key_id, holds).unwrap_or(false)
    }
}
