//! Where the objects of a document that is being added go.

use kit::files::Key;

use super::{super::App, objects};
use crate::{Error, domain::document::DocumentType, store::stored_file};

/// What all keys of this service's documents begin with.
pub(super) const PREFIX: &str = "documents/";

/// Keys that are written down and not yet kept.
pub(super) struct Places {
    pub file: Key,
    /// For a photo.
    pub thumbnail: Option<Key>,
}

impl Places {
    pub(super) async fn announce(app: &App, doc_type: DocumentType) -> Result<Self, Error> {
        let places = Self {
            file: random_key(),
            thumbnail: (doc_type == DocumentType::Photo).then(random_key),
        };
        let txn = app.db.begin().await?;
        stored_file::announce_in_txn(&txn, &places.keys(), app.clock.now()).await?;
        txn.commit().await?;
        Ok(places)
    }

    pub(super) fn keys(&self) -> Vec<&Key> {
        std::iter::once(&self.file).chain(&self.thumbnail).collect()
    }

    /// Takes back what has arrived. What was kept after all (a commit whose outcome nobody heard) stays.
    pub(super) async fn give_up(self, app: &App) {
        if let Some(doomed) = self.forsake(app).await {
            objects::delete_now(app, &doomed).await;
        }
    }

    /// The same where the store has just failed: whoever waits for an answer does not wait for it again.
    pub(super) async fn give_up_later(self, app: &App) {
        self.forsake(app).await;
    }

    async fn forsake(&self, app: &App) -> Option<Vec<Key>> {
        match self.doom(app).await {
            Ok(doomed) => Some(doomed),
            Err(error) => {
                tracing::warn!(%error, "an upload could not be taken back, trying again later");
                None
            }
        }
    }

    async fn doom(&self, app: &App) -> Result<Vec<Key>, Error> {
        let txn = app.db.begin().await?;
        let doomed = stored_file::give_up_in_txn(&txn, &self.keys(), app.clock.now()).await?;
        txn.commit().await?;
        Ok(doomed)
    }
}

/// Nobody guesses it, and it says nothing of what is behind it.
fn random_key() -> Key {
    let random = hex::encode(rand::random::<[u8; 16]>());
    let key = Key::parse(format!("{PREFIX}{}/{random}", &random[..2]));
    key.expect("hexadecimal digits and slashes make a key")
}

/// Whether a key is one that this service made.
pub(super) fn is_ours(key: &Key) -> bool {
    let is_hex = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let parts = key.as_str().strip_prefix(PREFIX).and_then(|rest| rest.split_once('/'));
    parts.is_some_and(|(shard, random)| random.len() == 32 && is_hex(random) && shard == &random[..2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_random_and_known_again() {
        let (one, other) = (random_key(), random_key());
        assert_ne!(one, other);
        assert!(is_ours(&one) && is_ours(&other));
        for foreign in [
            "documents/readme.txt",
            "documents/ab/cd",
            "documents/00/0123456789ABCDEF0123456789abcdef",
            "exports/01/0123456789abcdef0123456789abcdef",
            "documents/02/0123456789abcdef0123456789abcdef",
        ] {
            assert!(!is_ours(&Key::parse(foreign).unwrap()), "{foreign}");
        }
    }
}
