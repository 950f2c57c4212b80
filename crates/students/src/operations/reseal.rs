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
    Ok(done)
}
