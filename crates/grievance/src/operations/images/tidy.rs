//! Taking away the objects of pictures that are to go.

use kit::files::Key;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::super::App;
use crate::{Error, store};

/// So many at a time.
const A_STEP: u64 = 100;
/// What takes longer than this to arrive was left behind by a process that ended.
const LONGEST_UPLOAD: chrono::Duration = chrono::Duration::hours(1);

/// Gives up what never came whole, and deletes what is to go; what fails keeps nothing else back, and is tried again the next time.
pub(crate) async fn tidy(app: &App, stop: &CancellationToken) -> Result<(), Error> {
    let txn = app.db.begin().await?;
    store::image::give_up_older_in_txn(&txn, app.clock.now() - LONGEST_UPLOAD).await?;
    txn.commit().await?;
    let mut after = Uuid::nil();
    loop {
        let found = store::image::doomed(app.db.reader(), after, A_STEP).await?;
        for (id, key) in &found {
            if stop.is_cancelled() {
                return Ok(());
            }
            if let Err(error) = delete(app, *id, key).await {
                tracing::warn!(image = %id, %error, "a picture could not be taken away, trying again later");
            }
        }
        match found.last() {
            Some((last, _)) if found.len() as u64 == A_STEP => after = *last,
            _ => return Ok(()),
        }
    }
}

/// Deletes the object of a picture that is to go, and forgets it.
pub(super) async fn delete(app: &App, id: Uuid, key: &str) -> Result<(), Error> {
    if let Ok(key) = Key::parse(key) {
        app.files.delete(&key).await?;
    }
    let txn = app.db.begin().await?;
    store::image::forget_in_txn(&txn, id).await?;
    txn.commit().await?;
    Ok(())
}
