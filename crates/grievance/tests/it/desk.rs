//! Fixtures as verbs: a hostel's desk, and what students, staff and wardens do there.
#![allow(dead_code, reason = "each file of tests uses what it needs")]

use std::ops::Deref;

use grievance::{Config, Grievances};
use kit::testing::{TestStores, World};
pub(crate) use kit::testing::{told, until};
use kit::upstream::Channel;
use proto::{
    grievance::{
        Grievance, RaiseGrievanceRequest, comments_client::CommentsClient, figures_client::FiguresClient,
        grievances_client::GrievancesClient, images_client::ImagesClient,
    },
    options::Role,
};
use sea_orm::{ConnectionTrait as _, Statement};
use tonic::{Request, service::Routes};
use uuid::Uuid;

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

/// What is asked of the world is asked of it alike.
impl Deref for Desk {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
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

    /// Waits until so many events were heard in all.
    pub(crate) async fn heard_of(&self, events: i64) {
        until("the last event", async || {
            (self.count("inbox WHERE consumer = 'grievance'").await == events).then_some(())
        })
        .await;
    }

    /// Answers that are kept for repeated requests, as they lie in the database.
    pub(crate) async fn kept_answers(&self) -> Vec<Vec<u8>> {
        let statement = Statement::from_string(self.world.db.backend(), "SELECT answer FROM idempotency");
        let rows = self.world.db.reader().query_all_raw(statement).await.unwrap();
        rows.iter().map(|row| row.try_get("", "answer").unwrap()).collect()
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
