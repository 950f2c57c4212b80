//! What a change of one leave means for those that extend it, and for a student who is out.

use kit::{access::Caller, db::Txn, events::outbox};
use uuid::Uuid;

use super::App;
use crate::{
    Error,
    domain::{Change, Leave, StateName},
    events, store,
};

/// Follows up on a leave that was decided or taken back, in the same transaction, which holds the chain: what extends a leave
/// that is gone goes with it, and a student who is out has another last day.
pub(crate) async fn follow_in_txn(app: &App, caller: &Caller, txn: &Txn, leave: &Leave) -> Result<(), Error> {
    if leave.state.name() == StateName::Cancelled {
        let (by, _) = caller.user()?;
        let chain = store::leave::chain(&**txn, &app.private, leave.root_id).await?;
        let changes = chain.without(leave, by, app.clock.now(), app.today());
        keep_in_txn(app, caller, txn, changes.map_err(Error::Refused)?).await?;
    }
    // A leave of its own ends before anybody is out on it: only what extends one moves the last day.
    if leave.extends.is_some() {
        put_off_in_txn(app, txn, leave.root_id).await?;
    }
    Ok(())
}

/// Keeps what became of leaves of a chain, with its events.
pub(crate) async fn keep_in_txn(app: &App, caller: &Caller, txn: &Txn, changes: Vec<Change>) -> Result<(), Error> {
    for Change { before, after } in changes {
        let after = store::leave::change_in_txn(txn, &before, after).await?;
        let after = after.ok_or(Error::ChangedMeanwhile)?;
        store::day::give_back_in_txn(txn, &after).await?;
        let event = if after.holds_days() {
            events::changed(&app.clock, caller, &after)
        } else {
            events::cancelled(&app.clock, caller, &after)
        };
        outbox::add(txn, event).await?;
    }
    Ok(())
}

async fn put_off_in_txn(app: &App, txn: &Txn, root: Uuid) -> Result<(), Error> {
    let chain = store::leave::chain(&**txn, &app.private, root).await?;
    if let Some(until) = chain.until() {
        store::movement::put_off_in_txn(txn, root, until).await?;
    }
    Ok(())
}
