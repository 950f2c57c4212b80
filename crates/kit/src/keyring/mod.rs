//! The master keys of an installation, and what services make of them: sealed values and signatures, each for one
//! purpose.
//!
//! A service asks for a [`Sealer`] or a [`Signer`] by the name of its purpose and keeps it. The keys in them are derived
//! from the master keys, so that what was made for one purpose is worth nothing for another. The first master key is the
//! current one; the others still open what they sealed. One process keeps its master keys in a file, and follows when
//! another process rotates them.

mod file;
mod purpose;
mod ring;
mod seal;
mod sign;

use std::{
    io,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard},
};

pub use seal::{SealError, Sealer};
pub use sign::Signer;

use self::{
    file::{KeyFile, Stamp},
    ring::Ring,
};
use crate::config::{Base, SecretText};

/// Why the master keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    #[error("master_keys is needed: services of several processes open what the others sealed")]
    Needed,
    #[error("master_keys {0}")]
    Invalid(String),
    #[error("the master keys in {file} {why}")]
    InvalidFile { file: PathBuf, why: String },
    #[error("the master keys in {file} cannot be kept: {why}")]
    File { file: PathBuf, why: io::Error },
}

/// Where the master keys come from.
#[derive(Clone)]
pub struct MasterKeys(Origin);

#[derive(Clone)]
enum Origin {
    Configured(Arc<Ring>),
    Folder(PathBuf),
}

/// The master keys. Cheap to clone.
#[derive(Clone)]
pub struct Keyring(Arc<Inner>);

struct Inner {
    file: Option<KeyFile>,
    held: RwLock<Held>,
}

/// The keys as they were last seen.
struct Held {
    ring: Arc<Ring>,
    /// What the file looked like then.
    stamp: Option<Stamp>,
}

/// What a rotation did, or what is left to do.
pub enum Rotated {
    /// The new key stands in the file. Every process that uses the file follows by itself.
    Done { key_id: String, file: PathBuf },
    /// Nothing is changed yet. Processes start one after the other, and one that still runs with the old value must open
    /// what a new one seals: so all of them learn the key before the first one seals with it.
    ToConfigure {
        key_id: String,
        /// The value of `master_keys` with which every process knows the key.
        first: SecretText,
        /// The value with which the key is current, when all of them do.
        then: SecretText,
    },
}

impl MasterKeys {
    /// Those of the configuration. Where it has none, one process alone keeps its own in the data folder; several must be
    /// given the same.
    pub fn of(base: &Base) -> Result<Self, KeyringError> {
        match &base.master_keys {
            Some(text) => {
                let ring = Ring::parse(text.expose()).map_err(KeyringError::Invalid)?;
                Ok(Self(Origin::Configured(Arc::new(ring))))
            }
            None if base.is_alone() => Ok(Self(Origin::Folder(base.data.clone()))),
            None => Err(KeyringError::Needed),
        }
    }
}

impl Keyring {
    /// Opens the ring. A file that is not there is made, with a key of its own.
    pub fn open(keys: MasterKeys) -> Result<Self, KeyringError> {
        let (file, held) = match keys.0 {
            Origin::Configured(ring) => (None, Held { ring, stamp: None }),
            Origin::Folder(folder) => {
                let file = KeyFile::new(folder);
                let held = file.read_or_make()?;
                (Some(file), held)
            }
        };
        Ok(Self(Arc::new(Inner {
            file,
            held: RwLock::new(held),
        })))
    }

    /// What seals and opens values of one purpose. Ask once and keep it: it remembers the keys that it derived.
    pub fn sealer(&self, purpose: &'static str) -> Sealer {
        Sealer::new(self.clone(), purpose)
    }

    /// What signs messages of one purpose. Ask once and keep it: it remembers the keys that it derived.
    pub fn signer(&self, purpose: &'static str) -> Signer {
        Signer::new(self.clone(), purpose)
    }

    /// Makes a new key the current one: in the file, or, where the keys are configured, says what to configure.
    pub fn rotate(&self) -> Result<Rotated, KeyringError> {
        let Some(file) = &self.0.file else {
            let ring = self.held().ring.clone();
            let key = ring.new_key();
            return Ok(Rotated::ToConfigure {
                key_id: key.id.clone(),
                first: SecretText(ring.with_last(key.clone()).to_text(",")),
                then: SecretText(ring.with_first(key).to_text(",")),
            });
        };
        let held = file.rotate()?;
        let key_id = held.ring.current().id.clone();
        *self.0.held.write().unwrap_or_else(PoisonError::into_inner) = held;
        let file = file.path().to_owned();
        Ok(Rotated::Done { key_id, file })
    }

    /// The keys as they are now: a file that changed is read again.
    fn now(&self) -> Arc<Ring> {
        if let Some(file) = &self.0.file {
            self.follow(file);
        }
        self.last_seen()
    }

    /// The keys as they were last seen, without a look at the file.
    fn last_seen(&self) -> Arc<Ring> {
        self.held().ring.clone()
    }

    /// Looking whether the file changed costs a microsecond, so it happens at every use of the current key. A file that is
    /// gone or damaged changes nothing: the keys in hand still open what they sealed.
    fn follow(&self, file: &KeyFile) {
        let stamp = file.stamp();
        if stamp.is_none() || stamp == self.held().stamp {
            return;
        }
        let read = file.read();
        let mut held = self.0.held.write().unwrap_or_else(PoisonError::into_inner);
        match read {
            Ok(read) => *held = read,
            Err(error) => {
                tracing::error!(%error, "the master keys changed and cannot be read, going on with those of before");
                held.stamp = stamp;
            }
        }
    }

    fn held(&self) -> RwLockReadGuard<'_, Held> {
        self.0.held.read().unwrap_or_else(PoisonError::into_inner)
    }
}
