//! Telling of students who should be back and are not, once.

use kit::{access::Caller, events::outbox};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{Error, events, events::SOURCE, operations::App, store};

/// So many are read at a time.
const A_BATCH: u64 = 200;

/// Tells of all who are overdue by now and of whom nobody told, until told to stop; of how many. Whoever cannot be told of holds
/// nobody up who comes after them, and is tried again the next time.
pub(crate) async fn tell(app: &App, stop: &CancellationToken) -> Result<u64, Error> {
    let (mut last, mut told) = (None, 0);
    // Ends: every batch begins behind the last.
    while !stop.is_cancelled() {
        let batch = store::movement::overdue(app.db.reader(), app.today(), last, A_BATCH).await?;
        let Some(end) = batch.last() else {
            break;
        };
        last = Some(*end);
        for (_, root) in batch {
            match tell_of(app, root).await {
                Ok(is_told) => told += u64::from(is_told),
                Err(error) => tracing::warn!(%error, %root, "an overdue student could not be told of, trying again"),
            }
        }
    }
    Ok(told)
}

/// Whether this one told of it: of several processes one does.
async fn tell_of(app: &App, root: Uuid) -> Result<bool, Error> {
    let (now, today) = (app.clock.now(), app.today());
    let caller = Caller::service(SOURCE, app.clock.new_id().to_string());
    let txn = app.db.begin().await?;
    store::leave::hold_chain_in_txn(&txn, root).await?;
    let Some(due) = store::movement::tell_in_txn(&txn, root, today, now).await? else {
        return Ok(false);
    };
    let leave = store::leave::touch_in_txn(&txn, &app.private, root, now).await?;
    let leave = leave.ok_or(Error::UnknownLeave)?;
    outbox::add(&txn, events::overstayed(&app.clock, &caller, &leave, due)).await?;
    txn.commit().await?;
    Ok(true)
}
