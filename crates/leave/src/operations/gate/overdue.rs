//! Telling of students who should be back and are not, once.

use kit::{access::Caller, events::outbox};
use uuid::Uuid;

use crate::{Error, events, events::SOURCE, operations::App, store};

/// So many are told of in one round.
const A_ROUND: u64 = 200;

/// Tells of all who are overdue by now and of whom nobody told; of how many.
pub(crate) async fn tell(app: &App) -> Result<u64, Error> {
    let mut told = 0;
    for root in store::movement::overdue(app.db.reader(), app.today(), A_ROUND).await? {
        match tell_of(app, root).await {
            Ok(is_told) => told += u64::from(is_told),
            // The others are not to wait for this one.
            Err(error) => tracing::warn!(%error, %root, "an overdue student could not be told of, trying again"),
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
