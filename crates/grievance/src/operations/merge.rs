//! Merging duplicates: one ends, the other goes on, and whoever raised the one follows the other.

use kit::{Fault, access::Caller, db::Txn};
use proto::grievance as message;
use uuid::Uuid;

use super::{App, read, step::step_in_txn, view};
use crate::{
    Error,
    domain::{Status, Ticket, TicketRef},
    store,
};

/// More are not merged into one.
const MOST_DUPLICATES: u64 = 200;

/// What was merged into the duplicate before follows the target from now on: nobody ever has to follow more than one step.
pub(crate) async fn merge(
    app: &App,
    caller: &Caller,
    duplicate: TicketRef,
    into: TicketRef,
) -> Result<message::Grievance, Error> {
    let txn = app.db.begin().await?;
    let duplicate = read::find(app, &*txn, caller, duplicate).await?.id;
    let target = match read::find(app, &*txn, caller, into).await {
        Err(Error::UnknownTicket) => return Err(Fault::invalid("into", "must be another grievance").into()),
        found => found?.id,
    };
    if duplicate == target {
        return Err(Error::CannotMerge("A grievance cannot be merged into itself"));
    }
    let (duplicate, target) = lock_in_txn(&txn, duplicate, target).await?;
    match target.status() {
        Status::Merged => return Err(Error::CannotMerge("That grievance was itself merged into another one")),
        Status::Closed => return Err(Error::CannotMerge("That grievance is closed")),
        Status::Open | Status::InProgress | Status::Waiting | Status::Resolved => {}
    }
    let state = duplicate.state.clone().merge(target.id, app.clock.now());
    let state = state.map_err(|refusal| Error::refusal(refusal, &duplicate))?;
    let mut merged = duplicate.clone();
    merged.state = state;
    let merged = step_in_txn(app, caller, &txn, &duplicate, merged).await?;
    follow_in_txn(app, caller, &txn, duplicate.id, target.id).await?;
    txn.commit().await?;
    view::whole(app, caller, &merged).await
}

/// Both, and nobody else changes either, nor what follows the duplicate.
async fn lock_in_txn(txn: &Txn, duplicate: Uuid, target: Uuid) -> Result<(Ticket, Ticket), Error> {
    let mut locked = store::ticket::lock_for_merge_in_txn(txn, duplicate, target).await?;
    let mut take = |id: Uuid| {
        let at = locked.iter().position(|ticket| ticket.id == id);
        at.map(|at| locked.swap_remove(at)).ok_or(Error::UnknownTicket)
    };
    let duplicate = take(duplicate)?;
    Ok((duplicate, take(target)?))
}

/// Those that follow the duplicate follow the target.
async fn follow_in_txn(app: &App, caller: &Caller, txn: &Txn, duplicate: Uuid, target: Uuid) -> Result<(), Error> {
    let present = store::ticket::merged_into(&**txn, target, MOST_DUPLICATES + 1)
        .await?
        .len();
    let followers = store::ticket::merged_into(&**txn, duplicate, MOST_DUPLICATES + 1).await?;
    if (present + followers.len()) as u64 > MOST_DUPLICATES {
        return Err(Error::CannotMerge("That grievance has too many duplicates already"));
    }
    for follower in followers {
        let state = follower.state.clone().follow(target);
        let state = state.map_err(|refusal| Error::refusal(refusal, &follower))?;
        let mut after = follower.clone();
        after.state = state;
        step_in_txn(app, caller, txn, &follower, after).await?;
    }
    Ok(())
}
