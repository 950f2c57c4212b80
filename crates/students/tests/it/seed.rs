//! What a demo begins with: all of it or nothing, once.

use kit::testing::World;
use proto::{
    options::Role,
    students::{GetRoomRequest, ListRoomsRequest, rooms_client::RoomsClient},
};
use students::{Beginning, NewBlock, NewRoom, NewStudent, SeedError, Students};

fn beginning(world: &World, students: usize) -> Beginning {
    let room = |room_no: &str| NewRoom {
        room_no: room_no.to_owned(),
        floor: 1,
        capacity: 2,
    };
    let student = |turn: usize| NewStudent {
        id: world.clock.new_id(),
        email: format!("student{turn}@hostel.example"),
        registration_no: format!("REG-{turn}"),
        name: format!("Asha {turn}"),
        phone: "9000000001".to_owned(),
        parent_phone: "9000000002".to_owned(),
        address: "12 Lake Road, Pune".to_owned(),
        year: 1,
        semester: 2,
        room: Some(("a".to_owned(), format!("A-{}", 1 + turn / 2))),
    };
    Beginning {
        blocks: vec![NewBlock {
            name: "A".to_owned(),
            latitude: 28.6139,
            longitude: 77.2090,
            rooms: ["A-1", "A-2"].map(room).into(),
        }],
        students: (0..students).map(student).collect(),
    }
}

/// The service, and another one on the same database to seed it with, as `up --demo` does before it serves.
async fn world() -> (World, Students) {
    let world = World::start::<Students>().await;
    let (students, _) = world.host.create::<Students>().await.unwrap();
    (world, students)
}

#[tokio::test]
async fn a_beginning_is_there_with_its_events_and_only_once() {
    let (world, students) = world().await;
    for _ in 0..2 {
        students.seed(beginning(&world, 3)).await.unwrap();
    }
    let tables = ["block", "room", "student", "stay", "outbox"];
    let mut rows = Vec::new();
    for table in tables {
        rows.push(world.count(table).await);
    }
    assert_eq!(rows, [1, 2, 3, 3, 6]);
    let mut rooms = RoomsClient::new(world.channel.clone());
    let list = world.by(Role::Warden, ListRoomsRequest::default());
    let listed = rooms.list_rooms(list).await.unwrap().into_inner().rooms;
    let occupied: Vec<_> = listed.iter().map(|room| room.occupied).collect();
    assert_eq!(occupied, [2, 1]);
    let request = GetRoomRequest {
        id: listed[1].id.clone(),
    };
    let room = rooms.get_room(world.by(Role::Warden, request)).await.unwrap();
    assert_eq!(room.into_inner().students[0].registration_no, "REG-2");
}

#[tokio::test]
async fn a_beginning_with_something_wrong_leaves_nothing() {
    let (world, students) = world().await;
    let crowded = students.seed(beginning(&world, 5)).await;
    assert!(matches!(crowded, Err(SeedError::NoPlace(_))), "{crowded:?}");
    let mut wrong = beginning(&world, 2);
    wrong.students[1].phone = "12345".to_owned();
    let wrong = students.seed(wrong).await.unwrap_err();
    assert_eq!(
        wrong.to_string(),
        "student REG-1: phone must be ten digits, the first from 6 to 9"
    );
    let mut twins = beginning(&world, 2);
    twins.students[1].email = twins.students[0].email.to_uppercase();
    assert!(students.seed(twins).await.is_err());
    assert_eq!(world.count("block").await + world.count("outbox").await, 0);
}
