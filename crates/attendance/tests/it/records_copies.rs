//! Copies of students and blocks follow events in whatever order they come, and are filled from the roster.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use attendance::{Attendance, Config};
use futures_util::stream::{self, BoxStream, StreamExt as _};
use kit::{service::Service as _, testing::TestStores};
use proto::{
    leave::roster_server::RosterServer as LeaveRosterServer,
    students::{
        BlockRecord, BlockRemoved, BlockUpdated, Location, RoomRef, StreamBlocksRequest, StreamStudentsRequest,
        StudentErased, StudentMoved, StudentRecord, StudentRegistered, StudentState, StudentUpdated,
        roster_server::{Roster, RosterServer},
    },
};
use tonic::{Request, Response, Status, service::Routes};
use uuid::Uuid;

use crate::{
    gate::{Gate, until},
    records_leaves_anew::Leaves,
};

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

fn block(id: Uuid, version: i64, name: &str) -> BlockRecord {
    BlockRecord {
        block: name.to_owned(),
        version,
        location: Some(Location {
            latitude: 28.6,
            longitude: 77.2,
        }),
        id: id.to_string(),
    }
}

impl Gate {
    /// How many records were read anew on command.
    async fn rebuilt(&self) -> anyhow::Result<u64> {
        let service = self.world.host.create_with::<Attendance>(Config::default()).await;
        let (service, _) = service.unwrap();
        Ok(service.rebuild().await?.unwrap().records)
    }

    async fn copied_students(&self) -> Vec<String> {
        let sql = "SELECT name || ' ' || COALESCE(room_no, '-') || ' ' || COALESCE(block_folded, '-') || ' ' || version || \
                   CASE WHEN active THEN ' active' ELSE '' END AS text FROM student ORDER BY registration_no";
        self.rows(sql).await
    }

    async fn copied_blocks(&self) -> Vec<String> {
        let sql = "SELECT name || ' ' || version || CASE WHEN removed THEN ' removed' ELSE '' END AS text FROM block ORDER BY name";
        self.rows(sql).await
    }
}

#[tokio::test]
async fn an_older_record_never_takes_the_place_of_a_newer_one() {
    let gate = Gate::open().await;
    let id = gate.world.clock.new_id();
    let moved = StudentMoved {
        student: Some(record(id, 3, "Asha Verma", "b")),
        before: None,
    };
    let updated = StudentUpdated {
        student: Some(record(id, 2, "Asha Verma", "A")),
        changed: vec!["name".to_owned()],
    };
    let registered = StudentRegistered {
        student: Some(record(id, 1, "Asha", "A")),
    };
    gate.hear("student.moved", id, 3, &moved).await;
    gate.hear("student.updated", id, 2, &updated).await;
    gate.hear("student.registered", id, 1, &registered).await;
    gate.hear("student.moved", id, 3, &moved).await;
    gate.heard_of(4).await;
    assert_eq!(gate.copied_students().await, ["Asha Verma b-101 B 3 active"]);
}

#[tokio::test]
async fn nothing_tells_who_an_erased_student_was() {
    let gate = Gate::open().await;
    let id = gate.world.clock.new_id();
    let registered = StudentRegistered {
        student: Some(record(id, 1, "Asha", "A")),
    };
    let erased = StudentErased {
        student: Some(StudentRecord {
            registration_no: "ERASED-1".to_owned(),
            name: "Erased student".to_owned(),
            room: None,
            state: StudentState::Erased.into(),
            ..record(id, 2, "", "")
        }),
    };
    gate.hear("student.erased", id, 2, &erased).await;
    gate.hear("student.registered", id, 1, &registered).await;
    gate.heard_of(2).await;
    assert_eq!(gate.copied_students().await, ["Erased student - - 2"]);
}

#[tokio::test]
async fn a_block_that_comes_again_is_another_one() {
    let gate = Gate::open().await;
    let (first, second) = (gate.world.clock.new_id(), gate.world.clock.new_id());
    let updated = |id, version| BlockUpdated {
        block: Some(block(id, version, "A")),
    };
    let removed = BlockRemoved {
        block: Some(block(first, 7, "A")),
    };
    gate.hear("block.updated", first, 7, &updated(first, 7)).await;
    gate.heard_of(1).await;
    gate.hear("block.removed", first, 8, &removed).await;
    gate.heard_of(2).await;
    assert_eq!(gate.copied_blocks().await, ["A 8 removed"]);
    gate.hear("block.updated", second, 1, &updated(second, 1)).await;
    gate.heard_of(3).await;
    // Once more, and late.
    gate.hear("block.removed", first, 8, &removed).await;
    gate.hear("block.updated", first, 6, &updated(first, 6)).await;
    gate.heard_of(5).await;
    assert_eq!(gate.copied_blocks().await, ["A 1"]);
}

/// The students service, as far as it tells of everybody; it stops in the middle so many times first.
#[derive(Clone)]
struct Students {
    records: Vec<StudentRecord>,
    blocks: Vec<BlockRecord>,
    failures: Arc<AtomicUsize>,
}

#[tonic::async_trait]
impl Roster for Students {
    type StreamStudentsStream = BoxStream<'static, Result<StudentRecord, Status>>;
    type StreamBlocksStream = BoxStream<'static, Result<BlockRecord, Status>>;

    async fn stream_students(
        &self,
        request: Request<StreamStudentsRequest>,
    ) -> Result<Response<Self::StreamStudentsStream>, Status> {
        assert!(request.metadata().get("authorization").is_some());
        let mut all: Vec<_> = self.records.iter().cloned().map(Ok).collect();
        let take = |left: usize| left.checked_sub(1);
        if self
            .failures
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, take)
            .is_ok()
        {
            all.truncate(600);
            all.push(Err(Status::unavailable("it stopped")));
        }
        Ok(Response::new(stream::iter(all).boxed()))
    }

    async fn stream_blocks(
        &self,
        _: Request<StreamBlocksRequest>,
    ) -> Result<Response<Self::StreamBlocksStream>, Status> {
        let all: Vec<_> = self.blocks.iter().cloned().map(Ok).collect();
        Ok(Response::new(stream::iter(all).boxed()))
    }
}

async fn beside(stores: TestStores, students: &Students) -> Gate {
    let leaves = Routes::new(LeaveRosterServer::new(Leaves(Vec::new())));
    let students = Routes::new(RosterServer::new(students.clone()));
    let others = vec![("leave", leaves), ("students", students)];
    Gate::open_beside(stores, Config::default(), others).await
}

#[tokio::test]
async fn empty_copies_fill_themselves_and_again_on_command() {
    let clock = kit::Clock::system();
    let students = (0..1203).map(|number| {
        let mut student = record(clock.new_id(), 4, &format!("Student {number}"), "A");
        student.registration_no = format!("REG-{number:04}");
        student
    });
    let mut roster = Students {
        records: students.collect(),
        blocks: vec![block(clock.new_id(), 2, "A"), block(clock.new_id(), 1, "B")],
        failures: Arc::new(AtomicUsize::new(1)),
    };
    let gate = beside(TestStores::default(), &roster).await;
    until("all students", async || {
        (gate.count("copies_filled WHERE one = 1").await == 1).then_some(())
    })
    .await;
    assert_eq!(gate.count("student").await, 1203);
    assert_eq!(gate.copied_blocks().await, ["A 2", "B 1"]);

    // What was missed meanwhile is read on command: a new name, and a block that is gone.
    roster.records[0].version = 5;
    roster.records[0].name = "Asha Verma".to_owned();
    roster.blocks.pop();
    let gate = beside(gate.world.stop().await, &roster).await;
    assert_eq!(gate.rebuilt().await.unwrap(), 1204);
    assert_eq!(gate.copied_students().await[0], "Asha Verma A-101 A 5 active");
    assert_eq!(gate.copied_blocks().await, ["A 2", "B 1 removed"]);
}

#[tokio::test]
async fn a_rebuilding_without_a_way_to_the_students_says_so() {
    let gate = Gate::open().await;
    let said = gate.rebuilt().await.unwrap_err().to_string();
    assert!(said.contains("upstreams.students"), "{said}");
    assert_eq!(gate.count("copies_filled").await, 0);
}

#[tokio::test]
async fn a_rebuilding_without_a_way_to_the_leaves_says_so() {
    let roster = Students {
        records: Vec::new(),
        blocks: Vec::new(),
        failures: Arc::new(AtomicUsize::new(0)),
    };
    let students = Routes::new(RosterServer::new(roster));
    let gate = Gate::open_beside(TestStores::default(), Config::default(), vec![("students", students)]).await;
    let said = gate.rebuilt().await.unwrap_err().to_string();
    assert!(said.contains("upstreams.leave"), "{said}");
    // Students were read; leaves are not taken for read, and are at the next start with a way to them.
    assert_eq!(gate.count("copies_filled WHERE one = 1").await, 1);
    assert_eq!(gate.count("copies_filled WHERE one = 2").await, 0);
}
