//! `hostelpulse.students.v1.Rooms`.

use std::sync::Arc;

use kit::{
    access::Caller,
    idempotency::{self, Attempt},
};
use proto::{
    students::{
        Block, CreateRoomRequest, GetRoomRequest, ListBlocksRequest, ListBlocksResponse, ListRoomStaysRequest,
        ListRoomStaysResponse, ListRoomsRequest, ListRoomsResponse, RemoveBlockRequest, RemoveRoomRequest, Room,
        RoomDetails, SetBlockLocationRequest, UpdateRoomRequest, rooms_server,
    },
    types::Nothing,
};
use tonic::{Request, Response, Status};

use super::{convert, convert_rooms};
use crate::{
    Error,
    events::place,
    operations::{
        App,
        rooms::{create, list, locate, read, remove, update},
    },
};

pub(crate) struct RoomsRpc(pub Arc<App>);

#[tonic::async_trait]
impl rooms_server::Rooms for RoomsRpc {
    async fn create_room(&self, request: Request<CreateRoomRequest>) -> Result<Response<Room>, Status> {
        let (app, caller) = (&self.0, Caller::of(&request)?);
        let request = request.into_inner();
        let new = convert_rooms::new_room(&request)?;
        let once = match idempotency::begin(&app.db, &app.clock, &caller, "CreateRoom", &request).await? {
            Attempt::Repeated(answer) => return Ok(Response::new(answer)),
            Attempt::First(once) => once,
        };
        let room = create::store_in_txn(app, &caller, &once, new).await?;
        let answer = place::room_message(&room);
        once.commit(&answer).await.map_err(Error::from)?;
        Ok(Response::new(answer))
    }

    async fn list_rooms(&self, request: Request<ListRoomsRequest>) -> Result<Response<ListRoomsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let (rooms, page) = list::rooms(&self.0, &caller, convert_rooms::query(request.into_inner())?).await?;
        Ok(Response::new(ListRoomsResponse {
            rooms: rooms.iter().map(place::room_message).collect(),
            page: Some(page),
        }))
    }

    async fn get_room(&self, request: Request<GetRoomRequest>) -> Result<Response<RoomDetails>, Status> {
        let caller = Caller::of(&request)?;
        let (room, residents) = read::read(&self.0, &caller, convert::id("id", &request.get_ref().id)?).await?;
        Ok(Response::new(convert_rooms::details(&room, residents)))
    }

    async fn update_room(&self, request: Request<UpdateRoomRequest>) -> Result<Response<Room>, Status> {
        let caller = Caller::of(&request)?;
        let (id, change) = convert_rooms::change(request.get_ref())?;
        let room = update::update(&self.0, &caller, id, &change).await?;
        Ok(Response::new(place::room_message(&room)))
    }

    async fn remove_room(&self, request: Request<RemoveRoomRequest>) -> Result<Response<Nothing>, Status> {
        let caller = Caller::of(&request)?;
        remove::room(&self.0, &caller, convert::id("id", &request.get_ref().id)?).await?;
        Ok(Response::new(Nothing {}))
    }

    async fn list_room_stays(
        &self,
        request: Request<ListRoomStaysRequest>,
    ) -> Result<Response<ListRoomStaysResponse>, Status> {
        let (room, paging) = convert_rooms::stays_query(request.get_ref())?;
        let (stays, page) = list::stays(&self.0, room, paging).await?;
        Ok(Response::new(ListRoomStaysResponse {
            stays: stays.iter().map(|(name, stay)| convert::stay(name, stay)).collect(),
            page: Some(page),
        }))
    }

    async fn list_blocks(&self, _request: Request<ListBlocksRequest>) -> Result<Response<ListBlocksResponse>, Status> {
        Ok(Response::new(convert_rooms::blocks(&list::blocks(&self.0).await?)))
    }

    async fn set_block_location(&self, request: Request<SetBlockLocationRequest>) -> Result<Response<Block>, Status> {
        let caller = Caller::of(&request)?;
        let (name, location) = convert_rooms::location(request.get_ref())?;
        let located = locate::locate(&self.0, &caller, name, location).await?;
        Ok(Response::new(convert_rooms::block(&located)))
    }

    async fn remove_block(&self, request: Request<RemoveBlockRequest>) -> Result<Response<Nothing>, Status> {
        let caller = Caller::of(&request)?;
        remove::block(&self.0, &caller, &convert_rooms::block_name(&request.get_ref().block)?).await?;
        Ok(Response::new(Nothing {}))
    }
}
