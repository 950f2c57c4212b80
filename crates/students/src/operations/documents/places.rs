//! Where the objects of a document that is being added go.

use kit::files::{
    Key,
    kept::{self, random_key},
};

use super::super::App;
use crate::{Error, domain::document::DocumentType};

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
            file: random_key(PREFIX),
            thumbnail: (doc_type == DocumentType::Photo).then(|| random_key(PREFIX)),
        };
        let txn = app.db.begin().await?;
        kept::announce_in_txn(&txn, &places.keys(), app.clock.now()).await?;
        txn.commit().await?;
        Ok(places)
    }

    pub(super) fn keys(&self) -> Vec<&Key> {
        std::iter::once(&self.file).chain(&self.thumbnail).collect()
    }

    /// Takes back what has arrived. What was kept after all (a commit whose outcome nobody heard) stays.
    pub(super) async fn give_up(self, app: &App) {
        if let Some(doomed) = self.forsake(app).await {
            kept::delete_now(&app.db, &*app.files, &doomed).await;
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
        let doomed = kept::give_up_in_txn(&txn, &self.keys(), app.clock.now()).await?;
        txn.commit().await?;
        Ok(doomed)
    }
}
