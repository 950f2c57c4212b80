//! Rooms: adding, listing, reading, changing, removing; and what holds when many do it at once.

use futures_util::future::join_all;
use proto::{
    options::Role,
    students::{GetRoomRequest, ListRoomsRequest, UpdateRoomRequest},
};
use tonic::Code;

use crate::{
    hostel::{Hostel, code, wrong_fields},
    places::{change, room},
};

const TAKEN: (Code, &str) = (Code::AlreadyExists, "CONFLICT");
const UNKNOWN: (Code, &str) = (Code::NotFound, "NOT_FOUND");

fn refused(reason: &str) -> (Code, String) {
    (Code::FailedPrecondition, reason.to_owned())
}

fn said((code, reason): (Code, &str)) -> (Code, String) {
    (code, reason.to_owned())
}

#[tokio::test]
async fn a_room_comes_to_be_and_its_block_with_it() {
    let hostel = Hostel::open().await;
    let first = hostel.add(room("North", "101", 2)).await.unwrap();
    assert_eq!(
        (
            first.block.as_str(),
            first.room_no.as_str(),
            first.floor,
            first.capacity,
            first.occupied
        ),
        ("North", "101", 1, 2, 0)
    );
    assert_eq!(hostel.said_of(&first.id).await, ["room.added"]);
    let second = hostel.add(room("NORTH", "102", 2)).await.unwrap();
    assert_eq!(second.block, "North", "a block has one name, however it is written");
    let of_blocks = hostel.events_of("block.updated").await;
    assert_eq!(of_blocks.len(), 1);
    let block = &of_blocks[0]["data"]["block"];
    assert_eq!(
        (&block["block"], &block["version"]),
        (&"North".into(), &1.into()),
        "{block}"
    );
    assert_eq!(of_blocks[0]["subject"], block["id"]);
}

#[tokio::test]
async fn eight_rooms_of_a_new_block_at_once_stand_in_one_block() {
    let hostel = Hostel::open().await;
    let adding = (0..8).map(|number| hostel.add(room("A", &format!("A-{number}"), 1)));
    for added in join_all(adding).await {
        added.unwrap();
    }
    let blocks = hostel.blocks().await.blocks;
    assert_eq!((blocks.len(), blocks[0].rooms), (1, 8));
    assert_eq!(hostel.events_of("block.updated").await.len(), 1);
}

#[tokio::test]
async fn of_sixteen_who_add_the_same_room_one_does() {
    let hostel = Hostel::open().await;
    let adding = (0..16).map(|turn| hostel.add(room("A", if turn % 2 == 0 { "a-1" } else { "A-1" }, 1)));
    let (added, others): (Vec<_>, Vec<_>) = join_all(adding).await.into_iter().partition(Result::is_ok);
    assert_eq!(added.len(), 1);
    for other in others {
        let fault = other.unwrap_err();
        assert_eq!((fault.kind.grpc(), fault.reason.as_ref()), TAKEN, "{fault}");
        assert_eq!(fault.details["field"], "room_no");
    }
    assert_eq!(hostel.count("room").await, 1);
    // In another block the number is free.
    hostel.add(room("B", "A-1", 1)).await.unwrap();
}

#[tokio::test]
async fn a_repeated_request_adds_nothing() {
    let hostel = Hostel::open().await;
    let token = hostel.world.keys.token(Role::Warden);
    let first = hostel.add_with_key(&token, "key-1", room("A", "1", 1)).await.unwrap();
    let again = hostel.add_with_key(&token, "key-1", room("A", "1", 1)).await.unwrap();
    assert_eq!(first, again);
    let other = hostel.add_with_key(&token, "key-1", room("A", "2", 1)).await;
    assert_eq!(code(other), refused("IDEMPOTENCY_KEY_REUSED"));
    assert_eq!(hostel.count("room").await, 1);
}

#[tokio::test]
async fn every_wrong_field_is_named_at_once() {
    let hostel = Hostel::open().await;
    let mut wrong = room("A/B", " ", 0);
    wrong.floor = 999;
    assert_eq!(
        wrong_fields(hostel.add(wrong).await),
        ["room_no", "block", "floor", "capacity"]
    );
    let wrong = UpdateRoomRequest {
        id: "x".to_owned(),
        room_no: Some(String::new()),
        floor: Some(-6),
        capacity: Some(101),
    };
    assert_eq!(
        wrong_fields(hostel.change_room(wrong).await),
        ["id", "room_no", "floor", "capacity"]
    );
    let list = |request| hostel.list_rooms(request);
    let beyond = ListRoomsRequest {
        limit: Some(101),
        ..ListRoomsRequest::default()
    };
    assert_eq!(wrong_fields(list(beyond).await), ["limit"]);
    let unsorted = ListRoomsRequest {
        sort_by: Some("colour".to_owned()),
        ..ListRoomsRequest::default()
    };
    assert_eq!(wrong_fields(list(unsorted).await), ["sort_by"]);
    assert_eq!(hostel.count("outbox").await, 0);
}

/// Two blocks; one room is full, one is lived in.
async fn some_rooms(hostel: &Hostel) {
    for (block, number, floor, capacity) in [
        ("b", "2", 2, 3),
        ("A", "A-10", 1, 1),
        ("A", "a-9", 0, 2),
        ("b", "10_x", 1, 2),
        ("A", "A-100", 1, 4),
    ] {
        let mut request = room(block, number, capacity);
        request.floor = floor;
        let added = hostel.add(request).await.unwrap();
        if number == "A-10" || number == "2" {
            hostel.moves_in("Asha Verma", &added.id).await.unwrap();
        }
    }
}

#[tokio::test]
async fn rooms_are_listed_by_block_and_number() {
    let hostel = Hostel::open().await;
    some_rooms(&hostel).await;
    let (all, page) = hostel.list_rooms(ListRoomsRequest::default()).await.unwrap();
    assert_eq!(all, ["A A-10", "A A-100", "A a-9", "b 10_x", "b 2"]);
    assert_eq!((page.current_page, page.per_page, page.total_items), (1, 20, 5));
    let second_page = ListRoomsRequest {
        page: Some(2),
        limit: Some(2),
        order: Some("desc".to_owned()),
        ..ListRoomsRequest::default()
    };
    let (some, page) = hostel.list_rooms(second_page).await.unwrap();
    assert_eq!(
        (some, page.total_pages),
        (vec!["A a-9".to_owned(), "A A-100".to_owned()], 3)
    );
    let sorted = async |by: &str, order: &str| {
        let request = ListRoomsRequest {
            sort_by: Some(by.to_owned()),
            order: Some(order.to_owned()),
            ..ListRoomsRequest::default()
        };
        hostel.list_rooms(request).await.unwrap().0
    };
    assert_eq!(
        sorted("floor", "asc").await,
        ["A a-9", "A A-10", "A A-100", "b 10_x", "b 2"]
    );
    assert_eq!(
        sorted("capacity", "desc").await,
        ["A A-100", "b 2", "A a-9", "b 10_x", "A A-10"]
    );
    assert_eq!(
        sorted("occupied", "desc").await,
        ["A A-10", "b 2", "A A-100", "A a-9", "b 10_x"]
    );
}

#[tokio::test]
async fn filters_narrow_the_list_of_rooms() {
    let hostel = Hostel::open().await;
    some_rooms(&hostel).await;
    let found = async |request: ListRoomsRequest| hostel.list_rooms(request).await.unwrap().0;
    let usual = ListRoomsRequest::default;
    let block = Some("B".to_owned());
    assert_eq!(found(ListRoomsRequest { block, ..usual() }).await, ["b 10_x", "b 2"]);
    let block = Some("a/b".to_owned());
    assert!(found(ListRoomsRequest { block, ..usual() }).await.is_empty());
    let floor = Some(0);
    assert_eq!(found(ListRoomsRequest { floor, ..usual() }).await, ["A a-9"]);
    let has_space = Some(false);
    assert_eq!(found(ListRoomsRequest { has_space, ..usual() }).await, ["A A-10"]);
    let has_space = Some(true);
    assert_eq!(found(ListRoomsRequest { has_space, ..usual() }).await.len(), 4);
    for (text, expected) in [("a-1", 2), ("10_", 1), ("_", 0), ("%", 0), ("\\", 0), ("'", 0)] {
        let search = Some(text.to_owned());
        assert_eq!(
            found(ListRoomsRequest { search, ..usual() }).await.len(),
            expected,
            "{text}"
        );
    }
}

#[tokio::test]
async fn who_sees_what_of_a_room() {
    let hostel = Hostel::open().await;
    let home = hostel.add(room("A", "A-101", 3)).await.unwrap();
    let away = hostel.add(room("A", "A-102", 1)).await.unwrap();
    let asha = hostel.moves_in("Asha Verma", &home.id).await.unwrap().to_string();
    hostel.moves_in("Aarav Das", &home.id).await.unwrap();
    let home_request = || GetRoomRequest { id: home.id.clone() };
    for role in [Role::Warden, Role::Admin] {
        let seen = hostel.read_room(hostel.world.by(role, home_request())).await.unwrap();
        let names: Vec<_> = seen.students.iter().map(|one| one.name.as_str()).collect();
        assert_eq!((names, seen.occupied), (vec!["Aarav Das", "Asha Verma"], 2));
        assert_eq!(
            (seen.students[1].id.as_str(), seen.students[1].year),
            (asha.as_str(), 1)
        );
    }
    for role in [Role::Guard, Role::Staff] {
        let seen = hostel.read_room(hostel.world.by(role, home_request())).await.unwrap();
        assert_eq!((seen.students.len(), seen.occupied), (0, 2));
    }
    let own = hostel.read_room(hostel.student(&asha, home_request())).await.unwrap();
    assert_eq!((own.room_no.as_str(), own.students.len()), ("A-101", 0));
    let other = GetRoomRequest { id: away.id };
    assert_eq!(
        code(hostel.read_room(hostel.student(&asha, other)).await),
        said(UNKNOWN)
    );
    let stranger = hostel.world.by(Role::Student, home_request());
    assert_eq!(code(hostel.read_room(stranger).await), said(UNKNOWN));
    let teacher = hostel.world.by(Role::Teacher, home_request());
    assert_eq!(code(hostel.read_room(teacher).await).0, Code::PermissionDenied);
    let nowhere = GetRoomRequest { id: asha };
    assert_eq!(code(hostel.read_room(hostel.warden(nowhere)).await), said(UNKNOWN));
}

#[tokio::test]
async fn a_room_changes_as_far_as_its_people_let_it() {
    let hostel = Hostel::open().await;
    let home = hostel.add(room("A", "A-101", 4)).await.unwrap();
    hostel.add(room("A", "A-102", 4)).await.unwrap();
    for name in ["Asha Verma", "Bilal Khan"] {
        hostel.moves_in(name, &home.id).await.unwrap();
    }
    let with_capacity = |capacity| UpdateRoomRequest {
        capacity: Some(capacity),
        ..change(&home.id)
    };
    let below = hostel.change_room(with_capacity(1)).await;
    assert_eq!(code(below), refused("CAPACITY_BELOW_OCCUPANCY"));
    let taken = UpdateRoomRequest {
        room_no: Some("a-102".to_owned()),
        ..change(&home.id)
    };
    assert_eq!(code(hostel.change_room(taken).await), said(TAKEN));
    let just = hostel.change_room(with_capacity(2)).await.unwrap();
    assert_eq!((just.capacity, just.occupied), (2, 2));
    assert_eq!(
        hostel.change_room(with_capacity(2)).await.unwrap(),
        just,
        "nothing is new"
    );
    let renamed = UpdateRoomRequest {
        room_no: Some("a-101".to_owned()),
        floor: Some(-1),
        ..change(&home.id)
    };
    let renamed = hostel.change_room(renamed).await.unwrap();
    assert_eq!(
        (renamed.room_no.as_str(), renamed.floor, renamed.capacity),
        ("a-101", -1, 2)
    );
    assert_eq!(
        hostel.said_of(&home.id).await,
        ["room.added", "room.updated", "room.updated"]
    );
    let last = &hostel.events_of("room.updated").await[1]["data"];
    assert_eq!(
        (&last["before"]["room_no"], &last["room"]["room_no"]),
        (&"A-101".into(), &"a-101".into())
    );
    let nowhere = change(&hostel.world.clock.new_id().to_string());
    assert_eq!(code(hostel.change_room(nowhere).await), said(UNKNOWN));
}

#[tokio::test]
async fn changes_of_several_at_once_all_count() {
    let hostel = Hostel::open().await;
    let home = hostel.add(room("A", "A-101", 1)).await.unwrap();
    let floor = UpdateRoomRequest {
        floor: Some(7),
        ..change(&home.id)
    };
    let capacity = UpdateRoomRequest {
        capacity: Some(9),
        ..change(&home.id)
    };
    let number = UpdateRoomRequest {
        room_no: Some("A-700".to_owned()),
        ..change(&home.id)
    };
    for changed in join_all([floor, capacity, number].map(|request| hostel.change_room(request))).await {
        changed.unwrap();
    }
    let request = GetRoomRequest { id: home.id.clone() };
    let after = hostel.read_room(hostel.warden(request)).await.unwrap();
    assert_eq!((after.floor, after.capacity, after.room_no.as_str()), (7, 9, "A-700"));
    assert_eq!(hostel.said_of(&home.id).await.len(), 4);
}

#[tokio::test]
async fn nobody_lives_beyond_a_capacity_that_is_lowered_while_people_move_in() {
    let hostel = Hostel::open().await;
    for turn in 0..6 {
        let home = hostel.add(room("A", &format!("A-{turn}"), 8)).await.unwrap();
        let lower = UpdateRoomRequest {
            capacity: Some(3),
            ..change(&home.id)
        };
        let moving = join_all((0..8).map(|_| hostel.moves_in("Asha Verma", &home.id)));
        let (moved, lowered) = tokio::join!(moving, hostel.change_room(lower));
        let moved = moved.into_iter().flatten().count();
        let after = hostel
            .read_room(hostel.warden(GetRoomRequest { id: home.id.clone() }))
            .await
            .unwrap();
        assert_eq!(after.occupied as usize, moved);
        assert_eq!(after.students.len(), moved);
        match lowered {
            Ok(_) => assert_eq!((after.capacity, moved), (3, 3)),
            Err(fault) => {
                assert_eq!(fault.reason, "CAPACITY_BELOW_OCCUPANCY");
                assert_eq!((after.capacity, moved), (8, 8));
            }
        }
    }
}

#[tokio::test]
async fn a_room_with_people_cannot_vanish_and_one_that_did_is_remembered() {
    let hostel = Hostel::open().await;
    let home = hostel.add(room("A", "A-101", 2)).await.unwrap();
    let asha = hostel.moves_in("Asha Verma", &home.id).await.unwrap();
    assert_eq!(code(hostel.remove_room(&home.id).await), refused("ROOM_OCCUPIED"));
    hostel.world.clock.advance(chrono::Duration::days(30));
    hostel.moves_out(asha).await;
    hostel.moves_in("Bilal Khan", &home.id).await.unwrap();
    let stays = hostel.stays_in(&home.id).await.unwrap();
    let names: Vec<_> = stays.iter().map(|stay| stay.student_name.as_str()).collect();
    assert_eq!(
        names,
        ["Bilal Khan", "Asha Verma"],
        "those who live there now come first"
    );
    assert!(stays[0].moved_out_at.is_none() && stays[1].moved_out_at.is_some());
    let bilal = stays[0].student_id.parse().unwrap();
    hostel.moves_out(bilal).await;
    hostel.remove_room(&home.id).await.unwrap();
    let stays = hostel.stays_in(&home.id).await.unwrap();
    assert_eq!(stays.len(), 2);
    assert_eq!(stays[0].room.as_ref().unwrap().room_no, "A-101");
    assert_eq!(hostel.said_of(&home.id).await, ["room.added", "room.removed"]);
    assert_eq!(code(hostel.remove_room(&home.id).await), said(UNKNOWN));
    let never = hostel.world.clock.new_id().to_string();
    assert_eq!(code(hostel.stays_in(&never).await), said(UNKNOWN));
    // The number is free again, for another room.
    let again = hostel.add(room("A", "A-101", 2)).await.unwrap();
    assert_ne!(again.id, home.id);
}

#[tokio::test]
async fn who_moves_in_while_a_room_is_removed_lives_there_or_was_refused() {
    let hostel = Hostel::open().await;
    for turn in 0..10 {
        let home = hostel.add(room("A", &format!("A-{turn}"), 1)).await.unwrap();
        let (moved, removed) = tokio::join!(hostel.moves_in("Asha Verma", &home.id), hostel.remove_room(&home.id));
        match (moved, removed) {
            (Some(_), Err(fault)) => assert_eq!(fault.reason, "ROOM_OCCUPIED"),
            (None, Ok(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    let lived_in = hostel.rows("SELECT id FROM student").await.len();
    assert_eq!(hostel.count("room").await, i64::try_from(lived_in).unwrap());
}
