//! Objects on their way out of the file store.

use std::time::Duration;

use kit::files::Key;

use super::super::App;
use crate::{Error, store::stored_file};

/// Nobody who waits for an answer waits longer for a file to go; the job deletes what is left.
const PATIENCE: Duration = Duration::from_secs(5);

/// Deletes doomed objects at once, as far as that goes.
pub(crate) async fn delete_now(app: &App, doomed: &[Key]) {
    let deleting = tokio::time::timeout(PATIENCE, delete(app, doomed));
    match deleting.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "files of documents could not be deleted, trying again later"),
        Err(_) => tracing::warn!("the file store is slow to delete files of documents, trying again later"),
    }
}

/// Deletes doomed objects and forgets them.
pub(super) async fn delete(app: &App, doomed: &[Key]) -> Result<(), Error> {
    for key in doomed {
        app.files.delete(key).await?;
        let txn = app.db.begin().await?;
        stored_file::forget_in_txn(&txn, &[key]).await?;
        txn.commit().await?;
    }
    Ok(())
}
