//! Fixtures as verbs: rooms and blocks that wardens look after, and people who move in and out.

use kit::{Fault, access::metadata};
use proto::{
    students::{
        Block, CreateRoomRequest, GetRoomRequest, ListBlocksRequest, ListBlocksResponse, ListRoomStaysRequest,
        ListRoomsRequest, RegisterStudentRequest, RemoveBlockRequest, RemoveRoomRequest, Room, RoomDetails,
        SetBlockLocationRequest, Stay, UpdateRoomRequest,
    },
    types::{Nothing, Page},
};
use tonic::Request;
use uuid::Uuid;

use crate::hostel::{Hostel, somebody, told};

/// A room that a warden asks for.
pub(crate) fn room(block: &str, room_no: &str, capacity: u32) -> CreateRoomRequest {
    CreateRoomRequest {
        room_no: room_no.to_owned(),
        block: block.to_owned(),
        floor: 1,
        capacity,
    }
}

/// A change that changes nothing yet.
pub(crate) fn change(id: &str) -> UpdateRoomRequest {
    UpdateRoomRequest {
        id: id.to_owned(),
        ..UpdateRoomRequest::default()
    }
}

impl Hostel {
    pub(crate) async fn add(&self, request: CreateRoomRequest) -> Result<Room, Fault> {
        told(self.rooms().create_room(self.warden(request)).await)
    }

    pub(crate) async fn add_with_key(&self, token: &str, key: &str, request: CreateRoomRequest) -> Result<Room, Fault> {
        let mut request = self.world.request(token, request);
        request
            .metadata_mut()
            .insert(metadata::IDEMPOTENCY_KEY, key.parse().unwrap());
        told(self.rooms().create_room(request).await)
    }

    pub(crate) async fn read_room(&self, request: Request<GetRoomRequest>) -> Result<RoomDetails, Fault> {
        told(self.rooms().get_room(request).await)
    }

    pub(crate) async fn change_room(&self, request: UpdateRoomRequest) -> Result<Room, Fault> {
        told(self.rooms().update_room(self.warden(request)).await)
    }

    pub(crate) async fn remove_room(&self, id: &str) -> Result<Nothing, Fault> {
        let request = RemoveRoomRequest { id: id.to_owned() };
        told(self.rooms().remove_room(self.warden(request)).await)
    }

    /// The numbers of a listing with their blocks, in its order, and where it stands.
    pub(crate) async fn list_rooms(&self, request: ListRoomsRequest) -> Result<(Vec<String>, Page), Fault> {
        let answer = told(self.rooms().list_rooms(self.warden(request)).await)?;
        let names = answer
            .rooms
            .into_iter()
            .map(|room| format!("{} {}", room.block, room.room_no));
        Ok((names.collect(), answer.page.unwrap()))
    }

    pub(crate) async fn stays_in(&self, id: &str) -> Result<Vec<Stay>, Fault> {
        let request = ListRoomStaysRequest {
            id: id.to_owned(),
            ..ListRoomStaysRequest::default()
        };
        let answer = told(self.rooms().list_room_stays(self.warden(request)).await)?;
        assert_eq!(answer.page.unwrap().total_items, answer.stays.len() as u64);
        Ok(answer.stays)
    }

    pub(crate) async fn blocks(&self) -> ListBlocksResponse {
        told(self.rooms().list_blocks(self.warden(ListBlocksRequest {})).await).unwrap()
    }

    pub(crate) async fn locate(&self, block: &str, latitude: f64, longitude: f64) -> Result<Block, Fault> {
        let request = SetBlockLocationRequest {
            block: block.to_owned(),
            latitude: Some(latitude),
            longitude: Some(longitude),
        };
        told(self.rooms().set_block_location(self.warden(request)).await)
    }

    pub(crate) async fn remove_block(&self, block: &str) -> Result<Nothing, Fault> {
        let request = RemoveBlockRequest {
            block: block.to_owned(),
        };
        told(self.rooms().remove_block(self.warden(request)).await)
    }

    /// Somebody new moves in. `None` where there is no place.
    pub(crate) async fn moves_in(&self, name: &str, room: &str) -> Option<Uuid> {
        let number = self.world.clock.new_id().simple().to_string();
        let request = RegisterStudentRequest {
            email: format!("{number}@hostel.example"),
            registration_no: number[12..].to_owned(),
            name: name.to_owned(),
            room_id: Some(room.to_owned()),
            ..somebody(0)
        };
        match self.try_register(request).await {
            Ok(student) => Some(student.id.parse().unwrap()),
            Err(fault) => {
                assert!(
                    ["ROOM_FULL", "VALIDATION_ERROR", "NOT_FOUND"].contains(&&*fault.reason),
                    "{fault}"
                );
                None
            }
        }
    }

    /// Somebody moves out of where they live.
    pub(crate) async fn moves_out(&self, student: Uuid) {
        self.free_room(&student.to_string()).await.unwrap();
    }

    /// The types and versions of what happened to a room or block, in order; their versions have no gaps.
    pub(crate) async fn said_of(&self, subject: &str) -> Vec<String> {
        let history = self.history(subject).await;
        let versions: Vec<i64> = history.iter().map(|(_, version)| *version).collect();
        let expected: Vec<i64> = (1..).take(versions.len()).collect();
        assert_eq!(versions, expected, "{history:?}");
        history.into_iter().map(|(kind, _)| kind).collect()
    }
}
