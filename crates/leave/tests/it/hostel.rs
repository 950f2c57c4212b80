//! Fixtures as verbs: a hostel whose students ask for leaves, and whose wardens decide on them.
#![allow(dead_code, reason = "each file of tests uses what it needs")]

use std::ops::Deref;

use chrono::{Days, NaiveDate};
pub(crate) use kit::testing::{reason, told, until, wrong_fields};
use kit::upstream::Channel;
use kit::{
    Fault,
    testing::{TestStores, World},
};
use leave::{Config, LeaveService};
use proto::{
    leave::{
        ApproveLeaveRequest, CancelLeaveRequest, GetLeaveRequest, Leave, ListLeavesRequest, ListLeavesResponse,
        RejectLeaveRequest, RequestLeaveRequest, calendar_client::CalendarClient, decisions_client::DecisionsClient,
        documents_client::DocumentsClient, extensions_client::ExtensionsClient, gate_client::GateClient,
        guardians_client::GuardiansClient, requests_client::RequestsClient, roster_client::RosterClient,
    },
    options::Role,
};
use tonic::{Request, service::Routes};
use uuid::Uuid;

/// The service on stores of its own.
pub(crate) struct Hostel {
    pub world: World,
    /// The guard, the warden and the administrator of these tests.
    pub guard: Uuid,
    pub warden: Uuid,
    pub admin: Uuid,
}

/// A student who was laid down.
#[derive(Clone, Debug)]
pub(crate) struct Pupil {
    pub id: Uuid,
    pub name: String,
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
        Self::open_beside(TestStores::default(), config, Vec::new()).await
    }

    /// On stores that were there before, beside other services that the test plays.
    pub(crate) async fn open_beside(stores: TestStores, config: Config, others: Vec<(&str, Routes)>) -> Self {
        let world = World::beside::<LeaveService>(stores, config, others).await;
        let [guard, warden, admin] = std::array::from_fn(|_| world.clock.new_id());
        Self {
            world,
            guard,
            warden,
            admin,
        }
    }

    pub(crate) fn requests(&self) -> RequestsClient<Channel> {
        RequestsClient::new(self.world.channel.clone())
    }

    pub(crate) fn decisions(&self) -> DecisionsClient<Channel> {
        DecisionsClient::new(self.world.channel.clone())
    }

    pub(crate) fn extensions(&self) -> ExtensionsClient<Channel> {
        ExtensionsClient::new(self.world.channel.clone())
    }

    pub(crate) fn guardians(&self) -> GuardiansClient<Channel> {
        GuardiansClient::new(self.world.channel.clone())
    }

    pub(crate) fn gate(&self) -> GateClient<Channel> {
        GateClient::new(self.world.channel.clone())
    }

    pub(crate) fn calendar(&self) -> CalendarClient<Channel> {
        CalendarClient::new(self.world.channel.clone())
    }

    pub(crate) fn documents(&self) -> DocumentsClient<Channel> {
        DocumentsClient::new(self.world.channel.clone())
    }

    pub(crate) fn roster(&self) -> RosterClient<Channel> {
        RosterClient::new(self.world.channel.clone())
    }

    pub(crate) fn by_guard<T>(&self, message: T) -> Request<T> {
        self.of(self.guard, Role::Guard, message)
    }

    pub(crate) fn by_warden<T>(&self, message: T) -> Request<T> {
        self.of(self.warden, Role::Warden, message)
    }

    pub(crate) fn by_admin<T>(&self, message: T) -> Request<T> {
        self.of(self.admin, Role::Admin, message)
    }

    pub(crate) fn by_student<T>(&self, pupil: &Pupil, message: T) -> Request<T> {
        self.of(pupil.id, Role::Student, message)
    }

    /// A student who lives in a block, laid down as the copy of their record.
    pub(crate) async fn student(&self, number: u32, block: &str) -> Pupil {
        let pupil = Pupil {
            id: self.world.clock.new_id(),
            name: format!("Student {number}"),
        };
        self.write(
            "INSERT INTO student (id, version, registration_no, name, year, block, block_folded, room_no, active) \
             VALUES ($1, 1, $2, $3, 1, $4, $5, $6, TRUE)",
            [
                pupil.id.into(),
                format!("REG-{number:05}").into(),
                pupil.name.clone().into(),
                block.into(),
                block.to_uppercase().into(),
                format!("{block}-{}", 100 + number).into(),
            ],
        )
        .await;
        pupil
    }

    /// The hostel's day, so many days from now.
    pub(crate) fn in_days(&self, days: u64) -> NaiveDate {
        let zone = chrono_tz::Asia::Kolkata;
        self.world.clock.now().with_timezone(&zone).date_naive() + Days::new(days)
    }

    /// The hostel's day, so many days ago.
    pub(crate) fn days_ago(&self, days: u64) -> NaiveDate {
        self.in_days(0) - Days::new(days)
    }

    /// A leave for home, from one day to another, both so many days from now.
    pub(crate) fn home(&self, from: u64, to: u64) -> RequestLeaveRequest {
        RequestLeaveRequest {
            leave_type: "home".to_owned(),
            from_date: self.in_days(from).to_string(),
            to_date: self.in_days(to).to_string(),
            place_of_visit: "Pune".to_owned(),
            parent_phone: "9876543210".to_owned(),
            extra_details: None,
            retroactive: None,
        }
    }

    pub(crate) async fn ask(&self, pupil: &Pupil, request: RequestLeaveRequest) -> Result<Leave, Fault> {
        told(self.requests().request_leave(self.by_student(pupil, request)).await)
    }

    /// A leave that a warden approved.
    pub(crate) async fn granted(&self, pupil: &Pupil, from: u64, to: u64) -> Leave {
        let leave = self.ask(pupil, self.home(from, to)).await.unwrap();
        self.approve(&leave.id).await.unwrap()
    }

    pub(crate) async fn approve(&self, id: &str) -> Result<Leave, Fault> {
        let approval = ApproveLeaveRequest {
            id: id.to_owned(),
            ..ApproveLeaveRequest::default()
        };
        told(self.decisions().approve_leave(self.by_warden(approval)).await)
    }

    pub(crate) async fn reject(&self, id: &str) -> Result<Leave, Fault> {
        let rejection = RejectLeaveRequest {
            id: id.to_owned(),
            comments: "The examinations begin".to_owned(),
        };
        told(self.decisions().reject_leave(self.by_warden(rejection)).await)
    }

    pub(crate) async fn cancel(&self, pupil: &Pupil, id: &str) -> Result<Leave, Fault> {
        let request = CancelLeaveRequest { id: id.to_owned() };
        told(self.requests().cancel_leave(self.by_student(pupil, request)).await)
    }

    pub(crate) async fn get_as(&self, user: Uuid, role: Role, id: &str) -> Result<Leave, Fault> {
        let request = GetLeaveRequest { id: id.to_owned() };
        told(self.requests().get_leave(self.of(user, role, request)).await)
    }

    pub(crate) async fn list_as(
        &self,
        user: Uuid,
        role: Role,
        request: ListLeavesRequest,
    ) -> Result<ListLeavesResponse, Fault> {
        told(self.requests().list_leaves(self.of(user, role, request)).await)
    }
}
