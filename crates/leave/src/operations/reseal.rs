//! After the keys were rotated: what is sealed with an older one is sealed anew, so that the old one can go.

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::App;
use crate::{
    Error,
    store::sealed::{COLUMNS, Column},
};

/// Values of one transaction.
const A_BATCH: u64 = 200;

/// Seals what needs it; how many values that were. What they say stays.
pub(crate) async fn everything(app: &App, stop: &CancellationToken) -> Result<u64, Error> {
    let mut done = 0;
    for column in COLUMNS {
        done += all_of(app, column, stop).await?;
    }
    note_left(app).await?;
    Ok(done)
}

async fn all_of(app: &App, column: Column, stop: &CancellationToken) -> Result<u64, Error> {
    let (mut after, mut done) = (Uuid::nil(), 0);
    // Ends: every batch begins behind the last.
    while !stop.is_cancelled() {
        let prefix = app.private.current_prefix();
        let old = column.not_with_prefix(app.db.reader(), &prefix, after, A_BATCH).await?;
        let Some((last, _)) = old.last() else {
            break;
        };
        after = *last;
        let txn = app.db.begin().await?;
        for (id, sealed) in old {
            let Ok(plain) = app.private.open(&sealed, id.as_bytes()) else {
                tracing::error!(table = column.table, row = %id, "what is sealed here opens with no key of the ring");
                continue;
            };
            let anew = app.private.seal(&plain, id.as_bytes());
            // Whoever changed the row meanwhile sealed it with the present key.
            done += column.replace_in_txn(&txn, id, sealed, anew).await?;
        }
        txn.commit().await?;
    }
    Ok(done)
}

/// Tells operators when nothing needs an older key any more.
async fn note_left(app: &App) -> Result<(), Error> {
    let prefix = app.private.current_prefix();
    let mut left = 0;
    for column in COLUMNS {
        left += column.count_not_with_prefix(app.db.reader(), &prefix).await?;
    }
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and zero is exact")]
    metrics::gauge!("sealed_with_older_keys", "service" => "leave").set(left as f64);
    Ok(())
}
