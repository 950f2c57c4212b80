//! Fixtures as verbs: a hostel whose students ask for leaves, and whose wardens decide on them.
#![allow(dead_code, reason = "each file of tests uses what it needs")]

use std::time::{Duration, Instant};

use chrono::{Days, NaiveDate};
use kit::upstream::Channel;
use kit::{
    Fault,
    events::{Actor, Event},
    json,
    testing::{TestStores, World},
};
use leave::{Config, LeaveService};
use prost::{Message, Name};
use proto::{
    leave::{
        ApproveLeaveRequest, CancelLeaveRequest, GetLeaveRequest, Leave, ListLeavesRequest, ListLeavesResponse,
        RejectLeaveRequest, RequestLeaveRequest, calendar_client::CalendarClient, decisions_client::DecisionsClient,
        documents_client::DocumentsClient, extensions_client::ExtensionsClient, gate_client::GateClient,
        guardians_client::GuardiansClient, requests_client::RequestsClient, roster_client::RosterClient,
    },
    options::Role,
};
use sea_orm::{ConnectionTrait as _, FromQueryResult, Statement, Value};
use tonic::{Request, Response, Status, service::Routes};
use uuid::Uuid;

/// Longer than anything that goes well takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

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

#[derive(FromQueryResult)]
struct Text {
    text: String,
}

#[derive(FromQueryResult)]
struct Number {
    number: i64,
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

    /// A request by somebody with this role.
    pub(crate) fn of<T>(&self, id: Uuid, role: Role, message: T) -> Request<T> {
        self.world.request(&self.world.keys.token_of(id, role), message)
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

    /// Publishes an event of another service, as its relay would.
    pub(crate) async fn hear<M: Message + Name + 'static>(&self, kind: &str, subject: Uuid, version: i64, data: &M) {
        let source = kind.split('.').next().unwrap();
        let event = Event {
            specversion: "1.0".to_owned(),
            id: self.world.clock.new_id(),
            source: format!("/hostelpulse/{source}"),
            kind: format!("hostelpulse.{kind}.v1"),
            time: self.world.clock.now(),
            subject: subject.to_string(),
            datacontenttype: "application/json".to_owned(),
            version,
            traceparent: None,
            actor: Actor::default(),
            data: json::to_value(data),
        };
        self.world.host.bus.publish(&event).await.unwrap();
    }

    /// Writes to the database as nobody else may; how many rows that were.
    pub(crate) async fn write(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> u64 {
        let txn = self.world.db.begin().await.unwrap();
        let statement = Statement::from_sql_and_values(self.world.db.backend(), sql, values);
        let rows = txn.execute_raw(statement).await.unwrap().rows_affected();
        txn.commit().await.unwrap();
        rows
    }

    /// The column `text` of a query.
    pub(crate) async fn rows(&self, sql: &str) -> Vec<String> {
        let statement = Statement::from_string(self.world.db.backend(), sql);
        let rows = Text::find_by_statement(statement).all(self.world.db.reader()).await;
        rows.unwrap().into_iter().map(|row| row.text).collect()
    }

    pub(crate) async fn count(&self, table: &str) -> i64 {
        let sql = format!("SELECT COUNT(*) AS number FROM {table}");
        let statement = Statement::from_string(self.world.db.backend(), sql);
        let row = Number::find_by_statement(statement).one(self.world.db.reader()).await;
        row.unwrap().unwrap().number
    }

    /// The events of one type that were written, as JSON, in their order.
    pub(crate) async fn told(&self, kind: &str) -> Vec<serde_json::Value> {
        let rows = self.rows("SELECT event AS text FROM outbox ORDER BY id").await;
        let events = rows
            .iter()
            .map(|text| serde_json::from_str::<serde_json::Value>(text).unwrap());
        events
            .filter(|event| event["type"] == format!("hostelpulse.{kind}.v1"))
            .collect()
    }
}

/// What was answered, or why it was refused.
pub(crate) fn told<T>(answer: Result<Response<T>, Status>) -> Result<T, Fault> {
    answer
        .map(Response::into_inner)
        .map_err(|status| Fault::from_status(&status))
}

/// The fields that were wrong, in their order.
pub(crate) fn wrong_fields<T: std::fmt::Debug>(answer: Result<T, Fault>) -> Vec<String> {
    let fault = answer.unwrap_err();
    assert_eq!(fault.reason, "VALIDATION_ERROR", "{fault}");
    fault.violations.into_iter().map(|one| one.field).collect()
}

/// Why it was refused.
pub(crate) fn reason<T: std::fmt::Debug>(answer: Result<T, Fault>) -> String {
    answer.unwrap_err().reason.into_owned()
}

/// Looks again until something is there.
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < end, "{what} did not come within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
