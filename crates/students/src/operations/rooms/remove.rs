//! Removing rooms and blocks that are empty.

use kit::{access::Caller, events::outbox};
use uuid::Uuid;

use crate::{Error, domain::BlockName, events::place, operations::App, store};

/// Removes a room that nobody lives in. Who lived there stays known.
pub(crate) async fn room(app: &App, caller: &Caller, id: Uuid) -> Result<(), Error> {
    let txn = app.db.begin().await?;
    let Some(room) = store::room::remove_in_txn(&txn, id).await? else {
        return Err(match store::room::find(&*txn, id).await? {
            Some(room) if room.occupied > 0 => Error::RoomOccupied,
            // The last one moved out between the two looks.
            Some(_) => Error::ChangedMeanwhile,
            None => Error::UnknownRoom,
        });
    };
    outbox::add(&txn, place::room_removed(&app.clock, caller, &room)).await?;
    txn.commit().await?;
    Ok(())
}

/// Removes a block that has no rooms.
pub(crate) async fn block(app: &App, caller: &Caller, name: &BlockName) -> Result<(), Error> {
    let txn = app.db.begin().await?;
    let block = store::block::remove_in_txn(&txn, name)
        .await?
        .ok_or(Error::UnknownBlock)?;
    outbox::add(&txn, place::block_removed(&app.clock, caller, &block)).await?;
    txn.commit().await?;
    Ok(())
}
