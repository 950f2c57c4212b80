//! What happens to rooms and blocks.

use kit::{Clock, access::Caller, clock::timestamp, events::Draft};
use proto::students::{
    BlockRecord, BlockRemoved, BlockUpdated, Location as LocationMessage, Room as RoomMessage, RoomAdded, RoomRemoved,
    RoomUpdated,
};

use super::SOURCE;
use crate::domain::{Block, Location, Room};

/// A room was added.
pub(crate) fn room_added(clock: &Clock, caller: &Caller, room: &Room) -> Draft {
    let event = RoomAdded {
        room: Some(room_message(room)),
    };
    Draft::new(clock, caller, SOURCE, room.id, room.version, &event)
}

/// A room changed.
pub(crate) fn room_updated(clock: &Clock, caller: &Caller, before: &Room, after: &Room) -> Draft {
    let event = RoomUpdated {
        room: Some(room_message(after)),
        before: Some(room_message(before)),
    };
    Draft::new(clock, caller, SOURCE, after.id, after.version, &event)
}

/// A room was removed; its removal is its last version.
pub(crate) fn room_removed(clock: &Clock, caller: &Caller, room: &Room) -> Draft {
    let event = RoomRemoved {
        room: Some(room_message(room)),
    };
    Draft::new(clock, caller, SOURCE, room.id, room.version + 1, &event)
}

/// A block came to be, or where it stands was said.
pub(crate) fn block_updated(clock: &Clock, caller: &Caller, block: &Block) -> Draft {
    let event = BlockUpdated {
        block: Some(block_record(block)),
    };
    Draft::new(clock, caller, SOURCE, block.id, block.version, &event)
}

/// A block was removed; its removal is its last version.
pub(crate) fn block_removed(clock: &Clock, caller: &Caller, block: &Block) -> Draft {
    let event = BlockRemoved {
        block: Some(block_record(block)),
    };
    Draft::new(clock, caller, SOURCE, block.id, block.version + 1, &event)
}

/// What others need to know of a block.
pub(crate) fn block_record(block: &Block) -> BlockRecord {
    BlockRecord {
        id: block.id.to_string(),
        block: block.name.as_str().to_owned(),
        version: block.version,
        location: block.location.map(location),
    }
}

/// A room as events and answers show it.
pub(crate) fn room_message(room: &Room) -> RoomMessage {
    RoomMessage {
        id: room.id.to_string(),
        room_no: room.room_no.as_str().to_owned(),
        block: room.block.as_str().to_owned(),
        floor: room.floor,
        capacity: room.capacity,
        occupied: room.occupied,
        created_at: Some(timestamp(room.created_at)),
        updated_at: Some(timestamp(room.updated_at)),
    }
}

pub(crate) fn location(location: Location) -> LocationMessage {
    LocationMessage {
        latitude: location.latitude(),
        longitude: location.longitude(),
    }
}
