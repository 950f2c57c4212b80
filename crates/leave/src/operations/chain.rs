//! What a change of one leave means for those that extend it, and for a student who is out.

use kit::{access::Caller, db::Txn, events::outbox};

use super::App;
use crate::{
    Error,
    domain::{Change, Leave},
    events, store,
};

/// Takes back what extends a leave that is taken back or ended, in the same transaction, which holds the chain.
pub(crate) async fn take_back_after_in_txn(app: &App, caller: &Caller, txn: &Txn, gone: &Leave) -> Result<(), Error> {
    let (by, _) = caller.user()?;
    let chain = store::leave::chain(&**txn, &app.private, gone.root_id).await?;
    let changes = chain.without(gone, by, app.clock.now()).map_err(Error::Refused)?;
    keep_in_txn(app, caller, txn, changes).await
}

/// Keeps what became of leaves of a chain, with its events.
pub(crate) async fn keep_in_txn(app: &App, caller: &Caller, txn: &Txn, changes: Vec<Change>) -> Result<(), Error> {
    for change in changes {
        keep_one_in_txn(app, caller, txn, change).await?;
    }
    Ok(())
}

/// Keeps what became of a leave that ended or was taken back, with its event; the days it holds no more are free.
pub(crate) async fn keep_one_in_txn(app: &App, caller: &Caller, txn: &Txn, change: Change) -> Result<Leave, Error> {
    let after = store::leave::change_in_txn(txn, &change.before, change.after).await?;
    let after = after.ok_or(Error::ChangedMeanwhile)?;
    store::day::give_back_in_txn(txn, &after).await?;
    let event = if after.holds_days() {
        events::changed(&app.clock, caller, &after)
    } else {
        events::cancelled(&app.clock, caller, &after)
    };
    outbox::add(txn, event).await?;
    Ok(after)
}

/// Says until when a student who is out may stay away, after an extension was granted or taken back. A leave of its own ends
/// before anybody is out on it: only what extends one moves the last day.
pub(crate) async fn put_off_in_txn(app: &App, txn: &Txn, changed: &Leave) -> Result<(), Error> {
    if changed.extends.is_none() {
        return Ok(());
    }
    let chain = store::leave::chain(&**txn, &app.private, changed.root_id).await?;
    if let Some(until) = chain.until() {
        store::movement::put_off_in_txn(txn, changed.root_id, until).await?;
    }
    Ok(())
}
