//! Copies of students follow events in whatever order they come, and are filled from the roster.

use futures_util::stream::{self, BoxStream, StreamExt as _};
use kit::testing::TestStores;
use leave::Config;
use proto::{
    leave::ListLeavesRequest,
    options::Role,
    students::{
        BlockRecord, RoomRef, StreamBlocksRequest, StreamStudentsRequest, StudentErased, StudentMoved, StudentRecord,
        StudentRegistered, StudentState,
        roster_server::{Roster, RosterServer},
    },
};
use tonic::{Request, Response, Status, service::Routes};
use uuid::Uuid;

use crate::hostel::{Hostel, Pupil, until};

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

impl Hostel {
    async fn copied(&self) -> Vec<String> {
        let sql = "SELECT name || ' ' || COALESCE(room_no, '-') || ' ' || COALESCE(block_folded, '-') || ' ' || version || \
                   CASE WHEN active THEN ' active' ELSE '' END AS text FROM student ORDER BY registration_no";
        self.rows(sql).await
    }

    async fn heard_of(&self, events: i64) {
        until("the events are heard", async || {
            (self.count("inbox WHERE consumer = 'leave'").await == events).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn an_older_record_never_takes_the_place_of_a_newer_one_and_the_erased_are_nobody() {
    let hostel = Hostel::open().await;
    let id = hostel.world.clock.new_id();
    let moved = StudentMoved {
        student: Some(record(id, 3, "Asha Verma", "b")),
        before: None,
    };
    let registered = StudentRegistered {
        student: Some(record(id, 1, "Asha", "A")),
    };
    hostel.hear("student.moved", id, 3, &moved).await;
    hostel.hear("student.registered", id, 1, &registered).await;
    hostel.hear("student.moved", id, 3, &moved).await;
    hostel.heard_of(3).await;
    assert_eq!(hostel.copied().await, ["Asha Verma b-101 B 3 active"]);
    let erased = StudentErased {
        student: Some(StudentRecord {
            registration_no: "ERASED-1".to_owned(),
            name: "Erased student".to_owned(),
            room: None,
            state: StudentState::Erased.into(),
            ..record(id, 4, "", "")
        }),
    };
    hostel.hear("student.erased", id, 4, &erased).await;
    hostel.heard_of(4).await;
    assert_eq!(hostel.copied().await, ["Erased student - - 4"]);
}

#[tokio::test]
async fn a_leave_of_somebody_nobody_told_of_yet_is_shown_and_named_later() {
    let hostel = Hostel::open().await;
    let asha = Pupil {
        id: hostel.world.clock.new_id(),
        name: "Asha".to_owned(),
    };
    let asked = hostel.ask(&asha, hostel.home(1, 2)).await.unwrap();
    assert_eq!(asked.student.unwrap().name, "");
    let registered = StudentRegistered {
        student: Some(record(asha.id, 1, "Asha", "A")),
    };
    hostel.hear("student.registered", asha.id, 1, &registered).await;
    hostel.heard_of(1).await;
    let of_block = ListLeavesRequest {
        block: Some("A".to_owned()),
        ..ListLeavesRequest::default()
    };
    let list = hostel.list_as(hostel.warden, Role::Warden, of_block).await.unwrap();
    assert_eq!(list.leaves[0].student.as_ref().unwrap().name, "Asha");
}

/// The students service, as far as it tells of everybody.
#[derive(Clone)]
struct Students(Vec<StudentRecord>);

#[tonic::async_trait]
impl Roster for Students {
    type StreamStudentsStream = BoxStream<'static, Result<StudentRecord, Status>>;
    type StreamBlocksStream = BoxStream<'static, Result<BlockRecord, Status>>;

    async fn stream_students(
        &self,
        request: Request<StreamStudentsRequest>,
    ) -> Result<Response<Self::StreamStudentsStream>, Status> {
        assert!(request.metadata().get("authorization").is_some());
        let all: Vec<_> = self.0.iter().cloned().map(Ok).collect();
        Ok(Response::new(stream::iter(all).boxed()))
    }

    async fn stream_blocks(
        &self,
        _: Request<StreamBlocksRequest>,
    ) -> Result<Response<Self::StreamBlocksStream>, Status> {
        Ok(Response::new(stream::empty().boxed()))
    }
}

#[tokio::test]
async fn empty_copies_fill_themselves() {
    let clock = kit::Clock::system();
    let students = (0..1203).map(|number| StudentRecord {
        registration_no: format!("REG-{number:05}"),
        ..record(clock.new_id(), 1, &format!("Student {number}"), "A")
    });
    let routes = Routes::new(RosterServer::new(Students(students.collect())));
    let others = vec![("students", routes)];
    let hostel = Hostel::open_beside(TestStores::default(), Config::default(), others).await;
    until("the copies are filled", async || {
        (hostel.count("copies_filled").await == 1).then_some(())
    })
    .await;
    assert_eq!(hostel.count("student").await, 1203);
}
