//! The keys of one purpose, derived from the master keys by HKDF-SHA256.

use std::sync::{Arc, PoisonError, RwLock};

use hkdf::Hkdf;
use secrecy::zeroize::Zeroizing;
use sha2::Sha256;

use super::{
    Keyring,
    ring::{KEY_BYTES, MasterKey, Ring},
};

/// Derives the keys of a purpose, and remembers them for as long as the ring stays the same.
pub(super) struct Purpose<K> {
    keyring: Keyring,
    info: String,
    /// What a derived key is used as.
    make: fn(&[u8; KEY_BYTES]) -> K,
    made: RwLock<Option<Made<K>>>,
}

/// In the order of the ring: the current one first.
pub(super) type Keys<K> = Arc<[Derived<K>]>;

pub(super) struct Derived<K> {
    pub(super) id: String,
    pub(super) key: K,
}

struct Made<K> {
    of: Arc<Ring>,
    keys: Keys<K>,
}

impl<K> Purpose<K> {
    /// `kind` keeps the keys that seal apart from those that sign, should both ever be asked for one purpose.
    pub(super) fn new(keyring: Keyring, kind: &str, purpose: &str, make: fn(&[u8; KEY_BYTES]) -> K) -> Self {
        Self {
            keyring,
            info: format!("hostelpulse/v1/{kind}/{purpose}"),
            make,
            made: RwLock::new(None),
        }
    }

    /// The keys as they are now, the current one first.
    pub(super) fn now(&self) -> Keys<K> {
        self.of(self.keyring.now())
    }

    /// Does something with the key of this id. An id that was never seen may have come with a rotation since.
    pub(super) fn with<T>(&self, id: &str, use_it: impl FnOnce(&K) -> T) -> Option<T> {
        let mut keys = self.of(self.keyring.last_seen());
        if !keys.iter().any(|derived| derived.id == id) {
            keys = self.now();
        }
        let derived = keys.iter().find(|derived| derived.id == id)?;
        Some(use_it(&derived.key))
    }

    fn of(&self, ring: Arc<Ring>) -> Keys<K> {
        if let Some(made) = &*self.made.read().unwrap_or_else(PoisonError::into_inner)
            && Arc::ptr_eq(&made.of, &ring)
        {
            return made.keys.clone();
        }
        let keys: Keys<K> = ring.keys().iter().map(|key| self.derive(key)).collect();
        let made = Made {
            of: ring,
            keys: keys.clone(),
        };
        *self.made.write().unwrap_or_else(PoisonError::into_inner) = Some(made);
        keys
    }

    fn derive(&self, master: &MasterKey) -> Derived<K> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        Hkdf::<Sha256>::new(None, master.expose())
            .expand(self.info.as_bytes(), bytes.as_mut_slice())
            // HKDF-SHA256 refuses only more than 255 times 32 bytes.
            .expect("32 bytes can be derived");
        Derived {
            id: master.id.clone(),
            key: (self.make)(&bytes),
        }
    }
}
