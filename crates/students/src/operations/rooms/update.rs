//! Changing a room.

use kit::{access::Caller, events::outbox};
use uuid::Uuid;

use crate::{
    Error,
    domain::{Room, place::Change},
    events::place,
    operations::App,
    store,
};

/// Two people changing one room at once: so often the loser tries again on what the winner left.
const TRIES: usize = 5;

pub(crate) async fn update(app: &App, caller: &Caller, id: Uuid, change: &Change) -> Result<Room, Error> {
    for _ in 0..TRIES {
        match try_update(app, caller, id, change.clone()).await {
            Err(Error::ChangedMeanwhile) => {}
            outcome => return outcome,
        }
    }
    Err(Error::ChangedMeanwhile)
}

async fn try_update(app: &App, caller: &Caller, id: Uuid, change: Change) -> Result<Room, Error> {
    let before = store::room::find(app.db.reader(), id)
        .await?
        .ok_or(Error::UnknownRoom)?;
    let after = before.clone().change(change, app.clock.now());
    if after == before {
        return Ok(before);
    }
    let txn = app.db.begin().await?;
    let Some(room) = store::room::update_in_txn(&txn, &after).await? else {
        return Err(why_not(store::room::find(&*txn, id).await?.as_ref(), &before, &after));
    };
    outbox::add(&txn, place::room_updated(&app.clock, caller, &before, &room)).await?;
    txn.commit().await?;
    Ok(room)
}

/// Why a room was not written, seen from what stands there now.
fn why_not(now: Option<&Room>, before: &Room, wanted: &Room) -> Error {
    match now {
        None => Error::UnknownRoom,
        Some(now) if now.version == before.version && now.occupied > wanted.capacity => Error::CapacityBelowOccupancy,
        Some(_) => Error::ChangedMeanwhile,
    }
}
