//! Blocks: how full they are, where they stand, how they go.

use futures_util::future::join_all;
use proto::{
    options::Role,
    students::{Location, SetBlockLocationRequest},
};
use tonic::Code;

use crate::{
    hostel::{Hostel, code, told, wrong_fields},
    places::room,
};

#[tokio::test]
async fn blocks_say_how_full_they_are_and_where_they_stand() {
    let hostel = Hostel::open().await;
    let empty = hostel.blocks().await;
    let page = empty.page.unwrap();
    assert_eq!((empty.blocks.len(), page.total_items, page.total_pages), (0, 0, 0));
    hostel.locate("Gate", 28.6139, 77.2090).await.unwrap();
    for (block, number, capacity) in [("b", "1", 3), ("A", "1", 2), ("A", "2", 2)] {
        let added = hostel.add(room(block, number, capacity)).await.unwrap();
        hostel.moves_in("Asha Verma", &added.id).await.unwrap();
    }
    let listed = hostel.blocks().await;
    let rows: Vec<_> = listed
        .blocks
        .iter()
        .map(|one| (one.block.as_str(), one.rooms, one.capacity, one.occupied))
        .collect();
    assert_eq!(rows, [("A", 2, 4, 2), ("b", 1, 3, 1), ("Gate", 0, 0, 0)]);
    assert!(listed.blocks[0].location.is_none());
    let place = listed.blocks[2].location.unwrap();
    assert_eq!((place.latitude, place.longitude), (28.6139, 77.2090));
    let page = listed.page.unwrap();
    assert_eq!(
        (page.current_page, page.total_pages, page.total_items, page.per_page),
        (1, 1, 3, 3)
    );
}

#[tokio::test]
async fn a_block_is_told_where_it_stands_however_its_name_is_written() {
    let hostel = Hostel::open().await;
    hostel.add(room("North Wing", "1", 2)).await.unwrap();
    let located = hostel.locate("NORTH wing", -90.0, 180.0).await.unwrap();
    assert_eq!(
        (located.block.as_str(), located.rooms, located.capacity),
        ("North Wing", 1, 2)
    );
    hostel.locate("north wing", -90.0, 180.0).await.unwrap();
    let moved = hostel.locate("North Wing", 0.5, -0.25).await.unwrap();
    let there = Location {
        latitude: 0.5,
        longitude: -0.25,
    };
    assert_eq!(moved.location, Some(there));
    let said = hostel.events_of("block.updated").await;
    let versions: Vec<_> = said.iter().map(|event| event["version"].as_i64().unwrap()).collect();
    assert_eq!(versions, [1, 2, 3], "what was known already is no news");
    assert_eq!(said[0]["data"]["block"]["location"], serde_json::Value::Null);
    assert_eq!(said[2]["data"]["block"]["location"]["latitude"], 0.5);
}

#[tokio::test]
async fn a_place_that_is_not_on_earth_is_refused() {
    let hostel = Hostel::open().await;
    assert_eq!(wrong_fields(hostel.locate("A", 90.1, 0.0).await), ["latitude"]);
    assert_eq!(
        wrong_fields(hostel.locate("A/B", f64::NAN, -180.5).await),
        ["block", "latitude", "longitude"]
    );
    let missing = SetBlockLocationRequest {
        block: "A".to_owned(),
        latitude: None,
        longitude: Some(f64::INFINITY),
    };
    let answer = hostel.rooms().set_block_location(hostel.warden(missing)).await;
    assert_eq!(wrong_fields(told(answer)), ["latitude", "longitude"]);
    assert_eq!(hostel.count("block").await, 0);
}

#[tokio::test]
async fn several_who_locate_a_new_block_at_once_make_one() {
    let hostel = Hostel::open().await;
    let locating = (1..=8).map(|turn| hostel.locate(if turn % 2 == 0 { "a" } else { "A" }, f64::from(turn), 0.0));
    for located in join_all(locating).await {
        located.unwrap();
    }
    assert_eq!(hostel.count("block").await, 1);
    let said = hostel.events_of("block.updated").await;
    let subject = said[0]["subject"].as_str().unwrap().to_owned();
    assert_eq!(hostel.said_of(&subject).await.len(), 8);
    let newest = said.iter().max_by_key(|event| event["version"].as_i64()).unwrap();
    let now = hostel.blocks().await.blocks[0].location.unwrap();
    assert_eq!(newest["data"]["block"]["location"]["latitude"], now.latitude);
}

#[tokio::test]
async fn only_a_block_without_rooms_is_removed() {
    let hostel = Hostel::open().await;
    let only = hostel.add(room("A", "1", 1)).await.unwrap();
    let refused = hostel.remove_block("a").await;
    assert_eq!(code(refused), (Code::FailedPrecondition, "BLOCK_HAS_ROOMS".to_owned()));
    hostel.remove_room(&only.id).await.unwrap();
    hostel.remove_block("a").await.unwrap();
    assert_eq!(hostel.blocks().await.blocks.len(), 0);
    let unknown = hostel.remove_block("A").await;
    assert_eq!(code(unknown), (Code::NotFound, "NOT_FOUND".to_owned()));
    assert_eq!(wrong_fields(hostel.remove_block("A/B").await), ["block"]);
    let removed = &hostel.events_of("block.removed").await[0];
    let first = removed["subject"].as_str().unwrap().to_owned();
    assert_eq!(hostel.said_of(&first).await, ["block.updated", "block.removed"]);
    // A block of the same name is another one: who keeps a copy does not take its news for old.
    hostel.locate("A", 1.0, 1.0).await.unwrap();
    let second = &hostel.events_of("block.updated").await[1];
    assert_ne!(second["subject"], removed["subject"]);
    assert_eq!(second["data"]["block"]["id"], second["subject"]);
}

#[tokio::test]
async fn a_room_that_is_added_while_its_block_is_removed_has_a_block() {
    let hostel = Hostel::open().await;
    for turn in 0..10 {
        let block = format!("B{turn}");
        hostel.locate(&block, 1.0, 1.0).await.unwrap();
        let (added, removed) = tokio::join!(hostel.add(room(&block, "1", 1)), hostel.remove_block(&block));
        added.unwrap();
        if let Err(fault) = removed {
            assert_eq!(fault.reason, "BLOCK_HAS_ROOMS");
        }
        let blocks = hostel.blocks().await.blocks;
        let block = blocks.iter().find(|one| one.block == block).unwrap();
        assert_eq!(block.rooms, 1);
    }
}

#[tokio::test]
async fn teachers_see_blocks_and_students_do_not() {
    let hostel = Hostel::open().await;
    let request = || proto::students::ListBlocksRequest {};
    for (role, expected) in [(Role::Teacher, Code::Ok), (Role::Student, Code::PermissionDenied)] {
        let answer = hostel.rooms().list_blocks(hostel.world.by(role, request())).await;
        let got = answer.map_or_else(|status| status.code(), |_| Code::Ok);
        assert_eq!(got, expected);
    }
}
