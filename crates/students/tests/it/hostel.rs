//! Fixtures as verbs: a hostel with blocks and rooms, and what wardens and students do in it.

use std::ops::Deref;

pub(crate) use kit::testing::{told, wrong_fields};
use kit::upstream::Channel;
use kit::{
    Fault,
    access::metadata,
    testing::{TestStores, World},
};
use proto::{
    options::Role,
    students::{
        DeactivateStudentRequest, FreeRoomRequest, GetOwnStudentRequest, GetStudentRequest, ListStudentsRequest,
        MoveStudentRequest, RegisterStudentRequest, Student, UpdateStudentRequest, documents_client::DocumentsClient,
        privacy_client::PrivacyClient, rooms_client::RoomsClient, roster_client::RosterClient,
        students_client::StudentsClient,
    },
};
use students::{Config, Students};
use tonic::{Code, Request};
use uuid::Uuid;

use crate::auth::PlayedAuth;

/// The service beside an auth that is played.
pub(crate) struct Hostel {
    pub world: World,
    pub auth: PlayedAuth,
}

/// What is asked of the world is asked of it alike.
impl Deref for Hostel {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl Hostel {
    pub(crate) async fn open() -> Self {
        Self::open_with(Config::default()).await
    }

    pub(crate) async fn open_with(config: Config) -> Self {
        Self::open_on(TestStores::default(), PlayedAuth::default(), config).await
    }

    /// On stores, and beside an auth, that were there before.
    pub(crate) async fn open_on(stores: TestStores, auth: PlayedAuth, config: Config) -> Self {
        let played = vec![("auth", auth.routes())];
        Self {
            world: World::beside::<Students>(stores, config, played).await,
            auth,
        }
    }

    pub(crate) fn students(&self) -> StudentsClient<Channel> {
        StudentsClient::new(self.world.channel.clone())
    }

    pub(crate) fn rooms(&self) -> RoomsClient<Channel> {
        RoomsClient::new(self.world.channel.clone())
    }

    pub(crate) fn documents(&self) -> DocumentsClient<Channel> {
        DocumentsClient::new(self.world.channel.clone())
    }

    pub(crate) fn privacy(&self) -> PrivacyClient<Channel> {
        PrivacyClient::new(self.world.channel.clone())
    }

    pub(crate) fn roster(&self) -> RosterClient<Channel> {
        RosterClient::new(self.world.channel.clone())
    }

    /// A request by some warden.
    pub(crate) fn warden<T>(&self, message: T) -> Request<T> {
        self.world.by(Role::Warden, message)
    }

    /// A request by a student about themself or others.
    pub(crate) fn student<T>(&self, id: &str, message: T) -> Request<T> {
        let id = Uuid::parse_str(id).unwrap();
        self.world
            .request(&self.world.keys.token_of(id, Role::Student), message)
    }

    /// A request by another service.
    pub(crate) fn service<T>(&self, message: T) -> Request<T> {
        let token = self.world.host.tokens("attendance").token().unwrap();
        self.world.request(&token, message)
    }

    /// A room, laid down where it stands: rooms have tests of their own.
    pub(crate) async fn room(&self, block: &str, room_no: &str, capacity: i32) -> String {
        let (now, id) = (self.world.clock.now(), self.world.clock.new_id());
        self.write(
            "INSERT INTO block (id, name, name_folded, version, created_at, updated_at) VALUES ($1, $2, $3, 1, $4, $4) \
             ON CONFLICT DO NOTHING",
            [
                self.world.clock.new_id().into(),
                block.into(),
                block.to_uppercase().into(),
                now.into(),
            ],
        )
        .await;
        let room = "INSERT INTO room (id, block_id, block, room_no, room_no_folded, floor, capacity, occupied, version, \
                    created_at, updated_at) SELECT $1, id, name, $3, $4, 1, $5, 0, 1, $6, $6 FROM block WHERE name_folded = $2";
        let values = [
            id.into(),
            block.to_uppercase().into(),
            room_no.into(),
            room_no.to_uppercase().into(),
            capacity.into(),
            now.into(),
        ];
        assert_eq!(self.write(room, values).await, 1);
        id.to_string()
    }

    pub(crate) async fn try_register(&self, request: RegisterStudentRequest) -> Result<Student, Fault> {
        told(self.students().register_student(self.warden(request)).await)
    }

    /// The same request again, and again, is one request.
    pub(crate) async fn register_with_key(
        &self,
        token: &str,
        key: &str,
        request: RegisterStudentRequest,
    ) -> Result<Student, Fault> {
        let mut request = self.world.request(token, request);
        request
            .metadata_mut()
            .insert(metadata::IDEMPOTENCY_KEY, key.parse().unwrap());
        told(self.students().register_student(request).await)
    }

    /// Registers somebody; see [`somebody`].
    pub(crate) async fn register(&self, number: u32) -> Student {
        self.try_register(somebody(number)).await.unwrap()
    }

    /// The same, into a room.
    pub(crate) async fn register_in(&self, number: u32, room: &str) -> Student {
        let request = RegisterStudentRequest {
            room_id: Some(room.to_owned()),
            ..somebody(number)
        };
        self.try_register(request).await.unwrap()
    }

    pub(crate) async fn get(&self, id: &str) -> Result<Student, Fault> {
        let request = GetStudentRequest { id: id.to_owned() };
        told(self.students().get_student(self.warden(request)).await)
    }

    pub(crate) async fn get_as(&self, student: &str, id: &str) -> Result<Student, Fault> {
        let request = GetStudentRequest { id: id.to_owned() };
        told(self.students().get_student(self.student(student, request)).await)
    }

    pub(crate) async fn own(&self, student: &str) -> Result<Student, Fault> {
        let request = self.student(student, GetOwnStudentRequest {});
        told(self.students().get_own_student(request).await)
    }

    pub(crate) async fn update(&self, request: UpdateStudentRequest) -> Result<Student, Fault> {
        told(self.students().update_student(self.warden(request)).await)
    }

    pub(crate) async fn deactivate(&self, id: &str) -> Result<Student, Fault> {
        let request = DeactivateStudentRequest { id: id.to_owned() };
        told(self.students().deactivate_student(self.warden(request)).await)
    }

    pub(crate) async fn move_to(&self, id: &str, room: &str) -> Result<Student, Fault> {
        let request = MoveStudentRequest {
            id: id.to_owned(),
            room_id: room.to_owned(),
        };
        told(self.students().move_student(self.warden(request)).await)
    }

    pub(crate) async fn free_room(&self, id: &str) -> Result<Student, Fault> {
        let request = FreeRoomRequest { id: id.to_owned() };
        told(self.students().free_room(self.warden(request)).await)
    }

    /// The registration numbers of a listing, in its order, and how many there are in all.
    pub(crate) async fn list(&self, request: ListStudentsRequest) -> (Vec<String>, u64) {
        let answer = told(self.students().list_students(self.warden(request)).await).unwrap();
        let numbers = answer.students.into_iter().map(|student| student.registration_no);
        (numbers.collect(), answer.page.unwrap().total_items)
    }
}

/// Somebody new: `REG-007`, `student7@hostel.example`, in the first term.
pub(crate) fn somebody(number: u32) -> RegisterStudentRequest {
    RegisterStudentRequest {
        email: format!("student{number}@hostel.example"),
        registration_no: format!("REG-{number:03}"),
        name: format!("Some Body {number}"),
        phone: PHONE.to_owned(),
        parent_phone: PARENT_PHONE.to_owned(),
        address: Some(ADDRESS.to_owned()),
        year: 1,
        semester: 1,
        room_id: None,
        password: None,
    }
}

pub(crate) const PHONE: &str = "9876500001";
pub(crate) const PARENT_PHONE: &str = "9876500002";
pub(crate) const ADDRESS: &str = "12 Lake Road, Pune";

/// The code of a call that must not go well.
pub(crate) fn code<T: std::fmt::Debug>(outcome: Result<T, Fault>) -> (Code, String) {
    let fault = outcome.unwrap_err();
    (fault.kind.grpc(), fault.reason.into_owned())
}
