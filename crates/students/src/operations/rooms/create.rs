//! Adding a room; its block comes to be with its first one.

use kit::{access::Caller, db::Txn, events::outbox};

use crate::{
    Error,
    domain::{Block, BlockName, Room, RoomNumber},
    events::place,
    operations::App,
    store::{self, block::Had},
};

/// A room that somebody asks for.
pub(crate) struct NewRoom {
    pub block: BlockName,
    pub room_no: RoomNumber,
    pub floor: i32,
    pub capacity: u32,
}

/// Stores the room, and its block where that is new, with their events; the caller commits.
pub(crate) async fn store_in_txn(app: &App, caller: &Caller, txn: &Txn, new: NewRoom) -> Result<Room, Error> {
    let now = app.clock.now();
    let wanted = Block::new(app.clock.new_id(), new.block, None, now);
    let block = match store::block::have_in_txn(txn, &wanted).await? {
        Had::New(block) => {
            outbox::add(txn, place::block_updated(&app.clock, caller, &block)).await?;
            block
        }
        Had::Known(block) => block,
    };
    let room = Room {
        id: app.clock.new_id(),
        room_no: new.room_no,
        block: block.name,
        floor: new.floor,
        capacity: new.capacity,
        occupied: 0,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    store::room::insert_in_txn(txn, block.id, &room).await?;
    outbox::add(txn, place::room_added(&app.clock, caller, &room)).await?;
    Ok(room)
}
