//! Taking a leave back.

use kit::{access::Caller, events::outbox};
use proto::leave as message;
use uuid::Uuid;

use crate::{
    Error, events,
    operations::{App, chain, shown},
    store,
};

/// Takes a leave back, and gives its days back with it. Whoever decides at the same moment is there first or too late.
pub(crate) async fn cancel(app: &App, caller: &Caller, id: Uuid) -> Result<message::Leave, Error> {
    let (by, _) = caller.user()?;
    let txn = app.db.begin().await?;
    let before = store::leave::held_in_txn(&txn, &app.private, caller, id).await?;
    let after = before.clone().cancel(by, app.clock.now(), app.today());
    let after = after.map_err(Error::Refused)?;
    let after = store::leave::change_in_txn(&txn, &before, after).await?;
    let after = after.ok_or(Error::ChangedMeanwhile)?;
    store::day::give_back_in_txn(&txn, &after).await?;
    chain::follow_in_txn(app, caller, &txn, &after).await?;
    outbox::add(&txn, events::cancelled(&app.clock, caller, &after)).await?;
    let answer = shown::one(app, &*txn, caller, after).await?;
    txn.commit().await?;
    Ok(answer)
}
