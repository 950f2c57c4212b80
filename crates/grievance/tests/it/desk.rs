//! Fixtures as verbs: a hostel's desk, and what students, staff and wardens do there.
#![allow(dead_code, reason = "each file of tests uses what it needs")]

use std::time::{Duration, Instant};

use grievance::{Config, Grievances};
use kit::upstream::Channel;
use kit::{
    Fault,
    events::{Actor, Event},
    json,
    testing::{TestStores, World},
};
use prost::{Message, Name};
use proto::{
    grievance::{
        Grievance, RaiseGrievanceRequest, comments_client::CommentsClient, figures_client::FiguresClient,
        grievances_client::GrievancesClient, images_client::ImagesClient,
    },
    options::Role,
};
use sea_orm::{ConnectionTrait as _, FromQueryResult, Statement, Value};
use tonic::{Request, Response, Status, service::Routes};
use uuid::Uuid;

/// Longer than anything that goes well takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// The service on stores of its own.
pub(crate) struct Desk {
    pub world: World,
    pub warden: Uuid,
    pub admin: Uuid,
}

/// Somebody who was laid down.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub id: Uuid,
    pub name: String,
    pub role: Role,
}

#[derive(FromQueryResult)]
struct Text {
    text: String,
}

#[derive(FromQueryResult)]
struct Number {
    number: i64,
}

impl Desk {
    pub(crate) async fn open() -> Self {
        Self::open_with(Config::default()).await
    }

    pub(crate) async fn open_with(config: Config) -> Self {
        Self::open_beside(TestStores::default(), config, Vec::new()).await
    }

    /// On stores that were there before, beside other services that the test plays.
    pub(crate) async fn open_beside(stores: TestStores, config: Config, others: Vec<(&str, Routes)>) -> Self {
        let world = Box::pin(World::beside::<Grievances>(stores, config, others)).await;
        let (warden, admin) = (world.clock.new_id(), world.clock.new_id());
        let desk = Self { world, warden, admin };
        desk.lay_person(warden, "Meera Nair", Role::Warden).await;
        desk.lay_person(admin, "Ravi Kumar", Role::Admin).await;
        desk
    }

    pub(crate) fn grievances(&self) -> GrievancesClient<Channel> {
        GrievancesClient::new(self.world.channel.clone())
    }

    pub(crate) fn images(&self) -> ImagesClient<Channel> {
        ImagesClient::new(self.world.channel.clone())
    }

    pub(crate) fn comments(&self) -> CommentsClient<Channel> {
        CommentsClient::new(self.world.channel.clone())
    }

    pub(crate) fn figures(&self) -> FiguresClient<Channel> {
        FiguresClient::new(self.world.channel.clone())
    }

    /// A request by somebody with this role.
    pub(crate) fn of<T>(&self, id: Uuid, role: Role, message: T) -> Request<T> {
        self.world.request(&self.world.keys.token_of(id, role), message)
    }

    pub(crate) fn by<T>(&self, known: &Known, message: T) -> Request<T> {
        self.of(known.id, known.role, message)
    }

    pub(crate) fn by_warden<T>(&self, message: T) -> Request<T> {
        self.of(self.warden, Role::Warden, message)
    }

    pub(crate) fn by_admin<T>(&self, message: T) -> Request<T> {
        self.of(self.admin, Role::Admin, message)
    }

    /// A student who lives in A, laid down as the copy of their record.
    pub(crate) async fn student(&self, number: u32) -> Known {
        let known = Known {
            id: self.world.clock.new_id(),
            name: format!("Student {number}"),
            role: Role::Student,
        };
        self.write(
            "INSERT INTO student (id, version, registration_no, name, block, room_no, active) \
             VALUES ($1, 1, $2, $3, 'A', $4, TRUE)",
            [
                known.id.into(),
                format!("REG-{number:05}").into(),
                known.name.clone().into(),
                format!("A-{}", 100 + number).into(),
            ],
        )
        .await;
        known
    }

    /// A member of staff, laid down as the copy of their account.
    pub(crate) async fn staff(&self, name: &str) -> Known {
        let id = self.world.clock.new_id();
        self.lay_person(id, name, Role::Staff).await;
        Known {
            id,
            name: name.to_owned(),
            role: Role::Staff,
        }
    }

    async fn lay_person(&self, id: Uuid, name: &str, role: Role) {
        self.write(
            "INSERT INTO person (id, version, name, role, active) VALUES ($1, 1, $2, $3, TRUE)",
            [id.into(), name.into(), kit::access::role_name(role).into()],
        )
        .await;
    }

    /// A student raises a grievance about a fan, through the face.
    pub(crate) async fn raise(&self, student: &Known) -> Grievance {
        self.raise_as(student, fan()).await
    }

    pub(crate) async fn raise_as(&self, student: &Known, request: RaiseGrievanceRequest) -> Grievance {
        let request = self.by(student, request);
        self.grievances().raise_grievance(request).await.unwrap().into_inner()
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

    /// Waits until so many events were heard in all.
    pub(crate) async fn heard_of(&self, events: i64) {
        until("the last event", async || {
            (self.count("inbox WHERE consumer = 'grievance'").await == events).then_some(())
        })
        .await;
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

    /// Answers that are kept for repeated requests, as they lie in the database.
    pub(crate) async fn kept_answers(&self) -> Vec<Vec<u8>> {
        let statement = Statement::from_string(self.world.db.backend(), "SELECT answer FROM idempotency");
        let rows = self.world.db.reader().query_all_raw(statement).await.unwrap();
        rows.iter().map(|row| row.try_get("", "answer").unwrap()).collect()
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

/// A fan that makes noise.
pub(crate) fn fan() -> RaiseGrievanceRequest {
    RaiseGrievanceRequest {
        category: "electrical".to_owned(),
        sub_category: Some("fan".to_owned()),
        priority: "high".to_owned(),
        description: "The ceiling fan makes a loud noise.".to_owned(),
        sensitive: None,
    }
}

/// What was answered, or why it was refused.
pub(crate) fn told<T>(answer: Result<Response<T>, Status>) -> Result<T, Fault> {
    answer
        .map(Response::into_inner)
        .map_err(|status| Fault::from_status(&status))
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
