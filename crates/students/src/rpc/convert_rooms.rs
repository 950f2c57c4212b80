//! Messages of `Rooms` to the domain's words and back. What does not parse is named, all of it at once.

use kit::{
    Fault,
    fault::Fields,
    page::{Order, Paging},
};
use proto::{
    students::{
        Block as BlockMessage, CreateRoomRequest, ListBlocksResponse, ListRoomStaysRequest, ListRoomsRequest,
        Resident as ResidentMessage, RoomDetails, SetBlockLocationRequest, UpdateRoomRequest,
    },
    types::Page,
};
use uuid::Uuid;

use crate::{
    domain::{
        Block, BlockName, Fill, Location, Room, RoomNumber,
        place::{self, Change},
    },
    events,
    operations::rooms::{create::NewRoom, list::Query},
    store::{
        resident::Resident,
        room::{Filter, SortBy},
    },
};

const LONGEST_SEARCH: usize = 20;

pub(super) fn new_room(request: &CreateRoomRequest) -> Result<NewRoom, Fault> {
    let mut fields = Fields::default();
    let room_no = fields.take("room_no", RoomNumber::parse(&request.room_no));
    let block = fields.take("block", BlockName::parse(&request.block));
    let floor = fields.take("floor", place::floor(request.floor));
    let capacity = fields.take("capacity", place::capacity(request.capacity));
    let (Some(room_no), Some(block), Some(floor), Some(capacity)) = (room_no, block, floor, capacity) else {
        return Err(fields.fault());
    };
    Ok(NewRoom {
        block,
        room_no,
        floor,
        capacity,
    })
}

pub(super) fn change(request: &UpdateRoomRequest) -> Result<(Uuid, Change), Fault> {
    let mut fields = Fields::default();
    let id = fields.take("id", kit::id::parse(&request.id));
    let room_no = request.room_no.as_deref().map(RoomNumber::parse).transpose();
    let room_no = fields.take("room_no", room_no);
    let floor = fields.take("floor", request.floor.map(place::floor).transpose());
    let capacity = fields.take("capacity", request.capacity.map(place::capacity).transpose());
    let (Some(id), Some(room_no), Some(floor), Some(capacity)) = (id, room_no, floor, capacity) else {
        return Err(fields.fault());
    };
    let change = Change {
        room_no,
        floor,
        capacity,
    };
    Ok((id, change))
}

pub(super) fn query(request: ListRoomsRequest) -> Result<Query, Fault> {
    let sort_by = match request.sort_by.as_deref() {
        None | Some("room_no") => SortBy::Number,
        Some("floor") => SortBy::Floor,
        Some("capacity") => SortBy::Capacity,
        Some("occupied") => SortBy::Occupied,
        Some(_) => {
            let expected = "must be one of: room_no, floor, capacity, occupied";
            return Err(Fault::invalid("sort_by", expected));
        }
    };
    let search = request.search.filter(|text| !text.is_empty());
    if search
        .as_ref()
        .is_some_and(|text| text.chars().count() > LONGEST_SEARCH)
    {
        return Err(Fault::invalid("search", "must be at most 20 characters"));
    }
    let block = request.block.filter(|text| !text.is_empty());
    Ok(Query {
        sort: (sort_by, Order::parse(request.order.as_deref(), Order::Ascending)?),
        paging: Paging::new(request.page, request.limit)?,
        filter: Filter {
            // What is no name of a block is the name of none.
            block: block.map(|text| text.trim_end().to_ascii_uppercase()),
            floor: request.floor,
            has_space: request.has_space,
            search,
        },
    })
}

pub(super) fn stays_query(request: &ListRoomStaysRequest) -> Result<(Uuid, Paging), Fault> {
    let id = super::convert::id("id", &request.id)?;
    Ok((id, Paging::new(request.page, request.limit)?))
}

pub(super) fn block_name(text: &str) -> Result<BlockName, Fault> {
    BlockName::parse(text).map_err(|why| Fault::invalid("block", why))
}

pub(super) fn location(request: &SetBlockLocationRequest) -> Result<(BlockName, Location), Fault> {
    let mut fields = Fields::default();
    let name = fields.take("block", BlockName::parse(&request.block));
    let latitude = fields.take("latitude", request.latitude.ok_or("is required"));
    let longitude = fields.take("longitude", request.longitude.ok_or("is required"));
    // What is missing was named already; zero is a place like any other.
    let location = Location::new(latitude.unwrap_or_default(), longitude.unwrap_or_default());
    for (field, why) in location.as_ref().err().into_iter().flatten() {
        fields.wrong(field, *why);
    }
    match (name, location) {
        (Some(name), Ok(location)) if fields.is_empty() => Ok((name, location)),
        _ => Err(fields.fault()),
    }
}

pub(super) fn details(room: &Room, residents: Vec<Resident>) -> RoomDetails {
    let room = events::place::room_message(room);
    RoomDetails {
        id: room.id,
        room_no: room.room_no,
        block: room.block,
        floor: room.floor,
        capacity: room.capacity,
        occupied: room.occupied,
        students: residents.into_iter().map(resident).collect(),
        created_at: room.created_at,
        updated_at: room.updated_at,
    }
}

fn resident(resident: Resident) -> ResidentMessage {
    ResidentMessage {
        id: resident.id.to_string(),
        name: resident.name.as_str().to_owned(),
        registration_no: resident.registration_no.as_str().to_owned(),
        year: resident.year,
    }
}

pub(super) fn block((block, fill): &(Block, Fill)) -> BlockMessage {
    BlockMessage {
        block: block.name.as_str().to_owned(),
        location: block.location.map(events::place::location),
        rooms: fill.rooms,
        capacity: fill.capacity,
        occupied: fill.occupied,
    }
}

pub(super) fn blocks(blocks: &[(Block, Fill)]) -> ListBlocksResponse {
    let total = u32::try_from(blocks.len()).unwrap_or(u32::MAX);
    ListBlocksResponse {
        blocks: blocks.iter().map(block).collect(),
        page: Some(Page {
            current_page: 1,
            per_page: total.max(1),
            total_pages: total.min(1),
            total_items: total.into(),
        }),
    }
}
