//! Copies of students and of those who work in the hostel follow events in whatever order they come, and are filled from their owners.

use futures_util::stream::{self, BoxStream, StreamExt as _};
use grievance::{Config, Grievances};
use kit::{clock::timestamp, service::Service as _, testing::TestStores};
use proto::{
    auth::{
        PersonRecord, StreamPeopleRequest, User, UserCreated, UserDeactivated, UserErased, UserRoleChanged,
        people_server::{People, PeopleServer},
    },
    options::Role,
    students::{
        BlockRecord, RoomRef, StreamBlocksRequest, StreamStudentsRequest, StudentErased, StudentMoved, StudentRecord,
        StudentRegistered, StudentState,
        roster_server::{Roster, RosterServer},
    },
};
use tonic::{Request, Response, Status, service::Routes};
use uuid::Uuid;

use crate::desk::{Desk, until};

fn record(id: Uuid, version: i64, name: &str, block: &str) -> StudentRecord {
    StudentRecord {
        id: id.to_string(),
        version,
        registration_no: "REG-1".to_owned(),
        name: name.to_owned(),
        email: "asha@example.org".to_owned(),
        year: 1,
        semester: 1,
        room: Some(RoomRef {
            id: id.to_string(),
            room_no: format!("{block}-101"),
            block: block.to_owned(),
        }),
        state: StudentState::Active.into(),
    }
}

fn user(desk: &Desk, id: Uuid, role: Role, is_active: bool) -> User {
    User {
        id: id.to_string(),
        email: "sunita@example.org".to_owned(),
        name: "Sunita".to_owned(),
        role: role.into(),
        is_active,
        created_at: Some(timestamp(desk.world.clock.now())),
        updated_at: Some(timestamp(desk.world.clock.now())),
        ..User::default()
    }
}

impl Desk {
    async fn copied_students(&self) -> Vec<String> {
        let sql = "SELECT name || ' ' || COALESCE(block, '-') || ' ' || COALESCE(room_no, '-') || ' ' || CAST(version AS text) \
                   || CASE WHEN active THEN ' active' ELSE '' END AS text FROM student ORDER BY name";
        self.rows(sql).await
    }

    async fn copied_staff(&self) -> Vec<String> {
        let sql = "SELECT name || ' ' || role || ' ' || CAST(version AS text) || CASE WHEN active THEN ' active' ELSE '' END \
                   AS text FROM person WHERE name <> 'Meera Nair' AND name <> 'Ravi Kumar' ORDER BY name";
        self.rows(sql).await
    }
}

#[tokio::test]
async fn an_older_record_never_takes_the_place_of_a_newer_one() {
    let desk = Desk::open().await;
    let id = desk.world.clock.new_id();
    let moved = StudentMoved {
        student: Some(record(id, 3, "Asha Verma", "B")),
        before: None,
    };
    let registered = StudentRegistered {
        student: Some(record(id, 1, "Asha", "A")),
    };
    desk.hear("student.moved", id, 3, &moved).await;
    desk.hear("student.registered", id, 1, &registered).await;
    desk.heard_of(2).await;
    assert_eq!(desk.copied_students().await, ["Asha Verma B B-101 3 active"]);
    let erased = StudentErased {
        student: Some(StudentRecord {
            room: None,
            state: StudentState::Erased.into(),
            ..record(id, 4, "Erased student", "B")
        }),
    };
    desk.hear("student.erased", id, 4, &erased).await;
    desk.heard_of(3).await;
    assert_eq!(desk.copied_students().await, ["Erased student - - 4"]);
}

#[tokio::test]
async fn staff_are_known_by_their_accounts() {
    let desk = Desk::open().await;
    let (id, student) = (desk.world.clock.new_id(), desk.world.clock.new_id());
    let deactivated = UserDeactivated {
        user: Some(user(&desk, id, Role::Staff, false)),
    };
    let created = UserCreated {
        user: Some(user(&desk, id, Role::Staff, true)),
    };
    let pupil = UserCreated {
        user: Some(user(&desk, student, Role::Student, true)),
    };
    desk.hear("user.created", student, 1, &pupil).await;
    desk.hear("user.deactivated", id, 5, &deactivated).await;
    desk.hear("user.created", id, 1, &created).await;
    desk.heard_of(3).await;
    assert_eq!(desk.copied_staff().await, ["Sunita staff 5"]);
    let guard = UserRoleChanged {
        user: Some(user(&desk, id, Role::Guard, true)),
        before: Role::Staff.into(),
    };
    desk.hear("user.role_changed", id, 6, &guard).await;
    desk.heard_of(4).await;
    assert_eq!(desk.copied_staff().await, ["Sunita guard 6 active"]);
    let pupil = UserRoleChanged {
        user: Some(user(&desk, id, Role::Student, true)),
        before: Role::Guard.into(),
    };
    desk.hear("user.role_changed", id, 7, &pupil).await;
    desk.heard_of(5).await;
    assert_eq!(desk.copied_staff().await, ["Sunita student 7 active"]);
    let erased = UserErased {
        user_id: id.to_string(),
    };
    desk.hear("user.erased", id, 8, &erased).await;
    desk.heard_of(6).await;
    assert_eq!(desk.copied_staff().await, ["Erased student 8"]);
}

/// The services whose records are copied, as far as they tell of everybody.
#[derive(Clone)]
struct Owners {
    students: Vec<StudentRecord>,
    people: Vec<PersonRecord>,
}

#[tonic::async_trait]
impl Roster for Owners {
    type StreamStudentsStream = BoxStream<'static, Result<StudentRecord, Status>>;
    type StreamBlocksStream = BoxStream<'static, Result<BlockRecord, Status>>;

    async fn stream_students(
        &self,
        request: Request<StreamStudentsRequest>,
    ) -> Result<Response<Self::StreamStudentsStream>, Status> {
        assert!(request.metadata().get("authorization").is_some());
        let all: Vec<_> = self.students.iter().cloned().map(Ok).collect();
        Ok(Response::new(stream::iter(all).boxed()))
    }

    async fn stream_blocks(
        &self,
        _: Request<StreamBlocksRequest>,
    ) -> Result<Response<Self::StreamBlocksStream>, Status> {
        Err(Status::unimplemented("nobody asks for blocks"))
    }
}

#[tonic::async_trait]
impl People for Owners {
    type StreamPeopleStream = BoxStream<'static, Result<PersonRecord, Status>>;

    async fn stream_people(
        &self,
        request: Request<StreamPeopleRequest>,
    ) -> Result<Response<Self::StreamPeopleStream>, Status> {
        let roles = &request.get_ref().roles;
        let all = self.people.iter().filter(|person| roles.contains(&person.role));
        let all: Vec<_> = all.cloned().map(Ok).collect();
        Ok(Response::new(stream::iter(all).boxed()))
    }
}

fn played(owners: &Owners) -> Vec<(&'static str, Routes)> {
    vec![
        ("students", Routes::new(RosterServer::new(owners.clone()))),
        ("auth", Routes::new(PeopleServer::new(owners.clone()))),
    ]
}

async fn beside(stores: TestStores, owners: &Owners) -> Desk {
    Desk::open_beside(stores, Config::default(), played(owners)).await
}

#[tokio::test]
async fn empty_copies_fill_themselves_and_again_on_command() {
    let clock = kit::Clock::system();
    let student = |number| StudentRecord {
        registration_no: format!("REG-{number:04}"),
        ..record(clock.new_id(), 4, &format!("Student {number}"), "A")
    };
    let person = |name: &str, role: Role| PersonRecord {
        id: clock.new_id().to_string(),
        version: 2,
        name: name.to_owned(),
        role: role.into(),
        is_active: true,
    };
    let mut owners = Owners {
        students: (0..1203).map(student).collect(),
        people: vec![
            person("Sunita", Role::Staff),
            person("Tara", Role::Staff),
            person("Asha", Role::Student),
        ],
    };
    let desk = beside(TestStores::default(), &owners).await;
    until("everybody", async || {
        (desk.count("copies_filled").await == 1).then_some(())
    })
    .await;
    assert_eq!(desk.count("student").await, 1203);
    assert_eq!(
        desk.copied_staff().await,
        ["Sunita staff 2 active", "Tara staff 2 active"]
    );
    let stores = desk.world.stop().await;

    // What was missed meanwhile is read on command: one has left, the other studies.
    owners.people[0].version = 3;
    owners.people[0].is_active = false;
    owners.people[1].version = 3;
    owners.people[1].role = Role::Student.into();
    let again = kit::testing::World::beside::<Grievances>(stores, Config::default(), played(&owners));
    let world = Box::pin(again).await;
    let (warden, admin) = (world.clock.new_id(), world.clock.new_id());
    let desk = Desk { world, warden, admin };
    let created = desk.world.host.create_with::<Grievances>(Config::default()).await;
    let (service, _) = created.unwrap();
    assert_eq!(service.rebuild().await.unwrap().unwrap().records, 1204);
    assert_eq!(desk.copied_staff().await, ["Sunita staff 3", "Tara student 3 active"]);
}

#[tokio::test]
async fn a_rebuilding_without_a_way_to_the_students_says_so() {
    let desk = Desk::open().await;
    let created = desk.world.host.create_with::<Grievances>(Config::default()).await;
    let (service, _) = created.unwrap();
    let said = service.rebuild().await.unwrap_err().to_string();
    assert!(said.contains("upstreams.students"), "{said}");
}
