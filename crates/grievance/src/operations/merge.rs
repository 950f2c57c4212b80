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
/// So often somebody else may merge something into the duplicate just before it is locked.
const TRIES: usize = 5;

/// The two, and what follows the duplicate; nobody else changes any of them.
struct Locked {
    duplicate: Ticket,
    target: Ticket,
    followers: Vec<Ticket>,
}

/// What was merged into the duplicate before follows the target from now on: nobody ever has to follow more than one step.
pub(crate) async fn merge(
    app: &App,
    caller: &Caller,
    duplicate: TicketRef,
    into: TicketRef,
) -> Result<message::Grievance, Error> {
    let db = app.db.reader();
    let duplicate = read::find(app, db, caller, duplicate).await?.id;
    let target = match read::find(app, db, caller, into).await {
        Err(Error::UnknownTicket) => return Err(Fault::invalid("into", "must be another grievance").into()),
        found => found?.id,
    };
    if duplicate == target {
        return Err(Error::CannotMerge("A grievance cannot be merged into itself"));
    }
    let (txn, locked) = lock(app, duplicate, target).await?;
    let merged = merge_in_txn(app, caller, &txn, locked).await?;
    txn.commit().await?;
    view::whole(app, caller, &merged).await
}

/// All of them are locked in one order, whoever merges what. What began to follow the duplicate while its lock was waited for is none of
/// them: locking it now might be out of order, so everything is let go and locked again.
async fn lock(app: &App, duplicate: Uuid, target: Uuid) -> Result<(Txn, Locked), Error> {
    for _ in 0..TRIES {
        let txn = app.db.begin().await?;
        let tickets = store::ticket::lock_for_merge_in_txn(&txn, duplicate, target).await?;
        let take = |id: Uuid| {
            tickets
                .iter()
                .find(|ticket| ticket.id == id)
                .cloned()
                .ok_or(Error::UnknownTicket)
        };
        let (duplicate, target) = (take(duplicate)?, take(target)?);
        let followers = store::ticket::merged_into(&*txn, duplicate.id, MOST_DUPLICATES + 1).await?;
        if followers.iter().all(|follower| take(follower.id).is_ok()) {
            let locked = Locked {
                duplicate,
                target,
                followers,
            };
            return Ok((txn, locked));
        }
    }
    Err(Fault::unavailable("Others are merging these grievances, too; try again shortly").into())
}

async fn merge_in_txn(app: &App, caller: &Caller, txn: &Txn, locked: Locked) -> Result<Ticket, Error> {
    let Locked {
        duplicate,
        target,
        followers,
    } = locked;
    match target.status() {
        Status::Merged => return Err(Error::CannotMerge("That grievance was itself merged into another one")),
        Status::Closed => return Err(Error::CannotMerge("That grievance is closed")),
        Status::Open | Status::InProgress | Status::Waiting | Status::Resolved => {}
    }
    let state = duplicate.state.clone().merge(target.id, app.clock.now());
    let state = state.map_err(|refusal| Error::refusal(refusal, &duplicate))?;
    let mut merged = duplicate.clone();
    merged.state = state;
    let merged = step_in_txn(app, caller, txn, &duplicate, merged).await?;
    follow_in_txn(app, caller, txn, followers, target.id).await?;
    Ok(merged)
}

/// Those that follow the duplicate follow the target.
async fn follow_in_txn(
    app: &App,
    caller: &Caller,
    txn: &Txn,
    followers: Vec<Ticket>,
    target: Uuid,
) -> Result<(), Error> {
    // The duplicate is one of them by now.
    let present = store::ticket::merged_into(&**txn, target, MOST_DUPLICATES + 1)
        .await?
        .len();
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
