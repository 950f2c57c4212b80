//! After the keys were rotated: what is sealed with an older one is sealed anew, so that the old one can go.

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::App;
use crate::{Error, store::student::sealed};

/// Records of one transaction.
const A_BATCH: u64 = 200;

/// Seals what needs it; how many records that were. What a record says, and its version, stay.
pub(crate) async fn everything(app: &App, stop: &CancellationToken) -> Result<u64, Error> {
    let (mut after, mut done) = (Uuid::nil(), 0);
    // Ends: every batch begins behind the last.
    while !stop.is_cancelled() {
        let prefix = app.private.current_prefix();
        let old = sealed::not_with_prefix(app.db.reader(), &prefix, after, A_BATCH).await?;
        let Some((last, _)) = old.last() else {
            break;
        };
        after = *last;
        let txn = app.db.begin().await?;
        for (id, private) in old {
            let Ok(plain) = app.private.open(&private, id.as_bytes()) else {
                tracing::error!(student = %id, "what is sealed of a student opens with no key of the ring");
                continue;
            };
            let anew = app.private.seal(&plain, id.as_bytes());
            // Whoever changed the record meanwhile sealed it with the present key.
            done += sealed::replace_in_txn(&txn, id, private, anew).await?;
        }
        txn.commit().await?;
    }
    note_left(app).await?;
    Ok(done)
}

/// Tells operators when nothing needs an older key any more.
async fn note_left(app: &App) -> Result<(), Error> {
    let left = sealed::count_not_with_prefix(app.db.reader(), &app.private.current_prefix()).await?;
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and zero is exact")]
    metrics::gauge!("sealed_with_older_keys", "service" => "students").set(left as f64);
    Ok(())
}
