//! Fixtures as verbs: a gate where roll calls are held, and what guards, wardens and students do there.
#![allow(dead_code, reason = "each file of tests uses what it needs")]

use std::ops::Deref;

use attendance::{Attendance, Config};
use kit::testing::{TestStores, World};
pub(crate) use kit::testing::{told, until};
use kit::upstream::Channel;
use proto::{
    attendance::{
        access_points_client::AccessPointsClient, devices_client::DevicesClient, live_client::LiveClient,
        marks_client::MarksClient, review_client::ReviewClient, scans_client::ScansClient,
        sessions_client::SessionsClient,
    },
    options::Role,
};
use sea_orm::Value;
use tonic::{Request, service::Routes};
use uuid::Uuid;

/// The service on stores of its own.
pub(crate) struct Gate {
    pub world: World,
    /// The guard of these tests.
    pub guard: Uuid,
    pub warden: Uuid,
}

/// A student who was laid down.
#[derive(Clone, Debug)]
pub(crate) struct Pupil {
    pub id: Uuid,
    pub name: String,
}

/// What is asked of the world is asked of it alike.
impl Deref for Gate {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl Gate {
    pub(crate) async fn open() -> Self {
        Self::open_with(Config::default()).await
    }

    pub(crate) async fn open_with(config: Config) -> Self {
        Self::open_beside(TestStores::default(), config, Vec::new()).await
    }

    /// On stores that were there before, beside other services that the test plays.
    pub(crate) async fn open_beside(stores: TestStores, config: Config, others: Vec<(&str, Routes)>) -> Self {
        let world = World::beside::<Attendance>(stores, config, others).await;
        let (guard, warden) = (world.clock.new_id(), world.clock.new_id());
        Self { world, guard, warden }
    }

    pub(crate) fn sessions(&self) -> SessionsClient<Channel> {
        SessionsClient::new(self.world.channel.clone())
    }

    pub(crate) fn scans(&self) -> ScansClient<Channel> {
        ScansClient::new(self.world.channel.clone())
    }

    pub(crate) fn marks(&self) -> MarksClient<Channel> {
        MarksClient::new(self.world.channel.clone())
    }

    pub(crate) fn devices(&self) -> DevicesClient<Channel> {
        DevicesClient::new(self.world.channel.clone())
    }

    pub(crate) fn access_points(&self) -> AccessPointsClient<Channel> {
        AccessPointsClient::new(self.world.channel.clone())
    }

    pub(crate) fn review(&self) -> ReviewClient<Channel> {
        ReviewClient::new(self.world.channel.clone())
    }

    pub(crate) fn live(&self) -> LiveClient<Channel> {
        LiveClient::new(self.world.channel.clone())
    }

    pub(crate) fn by_guard<T>(&self, message: T) -> Request<T> {
        self.of(self.guard, Role::Guard, message)
    }

    pub(crate) fn by_warden<T>(&self, message: T) -> Request<T> {
        self.of(self.warden, Role::Warden, message)
    }

    pub(crate) fn by_student<T>(&self, pupil: &Pupil, message: T) -> Request<T> {
        self.of(pupil.id, Role::Student, message)
    }

    /// A block and where it stands, laid down as its copy.
    pub(crate) async fn block(&self, name: &str, latitude: f64, longitude: f64) {
        self.write(
            "INSERT INTO block (name_folded, id, version, name, latitude, longitude, removed) \
             VALUES ($1, $2, 1, $3, $4, $5, FALSE)",
            [
                name.to_uppercase().into(),
                self.world.clock.new_id().into(),
                name.into(),
                latitude.into(),
                longitude.into(),
            ],
        )
        .await;
    }

    /// A student who lives in a block, laid down as the copy of their record.
    pub(crate) async fn student(&self, number: u32, block: &str, year: i16) -> Pupil {
        let mut students = self.lay_students([number], block, year).await;
        students.remove(0)
    }

    /// So many students of a block and the first year, in one commit.
    pub(crate) async fn many_students(&self, count: u32, block: &str) -> Vec<Pupil> {
        self.lay_students(1..=count, block, 1).await
    }

    pub(crate) async fn students<const N: usize>(&self, block: &str) -> [Pupil; N] {
        let students = self.many_students(N.try_into().unwrap(), block).await;
        students.try_into().unwrap()
    }

    async fn lay_students(&self, numbers: impl IntoIterator<Item = u32>, block: &str, year: i16) -> Vec<Pupil> {
        const COLUMNS: usize = 7;
        let (mut pupils, mut places, mut values): (Vec<Pupil>, Vec<String>, Vec<Value>) = Default::default();
        for number in numbers {
            let pupil = Pupil {
                id: self.world.clock.new_id(),
                name: format!("Student {number}"),
            };
            let first = values.len() + 1;
            let row: Vec<String> = (first..first + COLUMNS).map(|place| format!("${place}")).collect();
            places.push(format!("(1, TRUE, {})", row.join(", ")));
            let row: [Value; COLUMNS] = [
                pupil.id.into(),
                format!("REG-{number:05}").into(),
                pupil.name.clone().into(),
                year.into(),
                block.to_uppercase().into(),
                format!("{block}-{}", 100 + number).into(),
                self.world.clock.now().into(),
            ];
            values.extend(row);
            pupils.push(pupil);
        }
        let sql = format!(
            "INSERT INTO student (version, active, id, registration_no, name, year, block_folded, room_no, changed_at) \
             VALUES {}",
            places.join(", ")
        );
        self.write(&sql, values).await;
        pupils
    }

    /// A mark as something would leave it.
    pub(crate) async fn mark_from(&self, session: Uuid, pupil: &Pupil, status: &str, source: &str) {
        self.write(
            "INSERT INTO mark (day, session_id, student_id, status, source, marked_at) \
             SELECT day, id, $2, $3, $4, $5 FROM session WHERE id = $1",
            [
                session.into(),
                pupil.id.into(),
                status.into(),
                source.into(),
                self.world.clock.now().into(),
            ],
        )
        .await;
    }

    /// The mark of a student in a roll call, as `status source`.
    pub(crate) async fn mark_of(&self, session: Uuid, pupil: &Pupil) -> Option<String> {
        let (session, student) = (id_is("session_id", session), id_is("student_id", pupil.id));
        let sql = format!("SELECT status || ' ' || source AS text FROM mark WHERE {session} AND {student}");
        self.rows(&sql).await.pop()
    }
}

/// A condition on an id, as this database writes it.
pub(crate) fn id_is(column: &str, id: Uuid) -> String {
    if TestStores::on_servers() {
        format!("{column} = '{id}'")
    } else {
        format!("{column} = x'{}'", id.simple())
    }
}
