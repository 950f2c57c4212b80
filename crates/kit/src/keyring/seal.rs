//! Values sealed by AES-256-GCM.
//!
//! A sealed value is a byte for the version, one for the length of the key's id, the id, 12 random bytes (the nonce), and
//! the ciphertext with its tag. What stands before the nonce is part of what the tag vouches for.

use std::sync::Arc;

use aes_gcm::{
    Aes256Gcm, KeyInit as _, Nonce,
    aead::{Aead as _, Payload},
};

use super::{
    Keyring,
    purpose::Purpose,
    ring::{LONGEST_ID, is_id},
};

const VERSION: u8 = 1;
const NONCE_BYTES: usize = 12;

/// Why a value cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error("this is not a sealed value")]
    Malformed,
    #[error("the master key {key_id} is needed, and it is not among the master keys")]
    UnknownKey { key_id: String },
    #[error("the value was changed, or sealed for something else")]
    Refused,
}

/// Seals and opens the values of one purpose. Cheap to clone.
#[derive(Clone)]
pub struct Sealer(Arc<Purpose<Aes256Gcm>>);

impl Sealer {
    pub(super) fn new(keyring: Keyring, purpose: &str) -> Self {
        let make = |key: &[u8; 32]| Aes256Gcm::new(key.into());
        Self(Arc::new(Purpose::new(keyring, "seal", purpose, make)))
    }

    /// Seals a value with the current key. `about` says what it belongs to, such as a record's id and a column: the value
    /// opens only with the very same.
    pub fn seal(&self, plain: &[u8], about: &[u8]) -> Vec<u8> {
        let keys = self.0.now();
        let current = &keys[0];
        let mut sealed = prefix(&current.id);
        let about = [&sealed, about].concat();
        let nonce: [u8; NONCE_BYTES] = rand::random();
        let plain = Payload {
            msg: plain,
            aad: &about,
        };
        let encrypted = current.key.encrypt(&Nonce::from(nonce), plain);
        sealed.extend(nonce);
        // AES-GCM refuses only what is longer than 64 GiB, and nobody holds that in memory.
        sealed.extend(encrypted.expect("a value that fits into memory can be sealed"));
        sealed
    }

    /// Opens what was sealed for the same purpose and about the same.
    pub fn open(&self, sealed: &[u8], about: &[u8]) -> Result<Vec<u8>, SealError> {
        let parts = Parts::of(sealed).ok_or(SealError::Malformed)?;
        let about = [parts.prefix, about].concat();
        let encrypted = Payload {
            msg: parts.encrypted,
            aad: &about,
        };
        let opened = self.0.with(parts.key_id, |key| {
            key.decrypt(&Nonce::from(parts.nonce), encrypted)
                .map_err(|_| SealError::Refused)
        });
        opened.unwrap_or_else(|| {
            Err(SealError::UnknownKey {
                key_id: parts.key_id.to_owned(),
            })
        })
    }

    /// The id of the key that sealed a value, as the value says.
    pub fn key_id_of(sealed: &[u8]) -> Option<&str> {
        Parts::of(sealed).map(|parts| parts.key_id)
    }

    /// Whether a value was sealed with the key that is current now; others are to be sealed anew.
    pub fn is_current(&self, sealed: &[u8]) -> bool {
        sealed.starts_with(&self.current_prefix())
    }

    /// The bytes with which every value begins that was sealed with the current key, and no other.
    pub fn current_prefix(&self) -> Vec<u8> {
        prefix(&self.0.now()[0].id)
    }
}

fn prefix(key_id: &str) -> Vec<u8> {
    // An id has at most 32 bytes.
    let length = u8::try_from(key_id.len()).expect("an id is short");
    let mut prefix = vec![VERSION, length];
    prefix.extend(key_id.as_bytes());
    prefix
}

struct Parts<'a> {
    prefix: &'a [u8],
    key_id: &'a str,
    nonce: [u8; NONCE_BYTES],
    encrypted: &'a [u8],
}

impl<'a> Parts<'a> {
    fn of(sealed: &'a [u8]) -> Option<Self> {
        let [VERSION, length, rest @ ..] = sealed else {
            return None;
        };
        let length = usize::from(*length);
        if length > LONGEST_ID {
            return None;
        }
        let (key_id, rest) = rest.split_at_checked(length)?;
        let (nonce, encrypted) = rest.split_first_chunk::<NONCE_BYTES>()?;
        let key_id = std::str::from_utf8(key_id).ok().filter(|id| is_id(id))?;
        Some(Self {
            prefix: &sealed[..2 + length],
            key_id,
            nonce: *nonce,
            encrypted,
        })
    }
}
