//! Everybody at once, for other services.

use proto::students::{StreamBlocksRequest, StreamStudentsRequest, StudentRecord, StudentState};
use tonic::Code;

use crate::hostel::{Hostel, PHONE};

#[tokio::test]
async fn services_read_everybody() {
    let hostel = Hostel::open().await;
    let room = hostel.room("North", "101", 2).await;
    let living = hostel.register_in(1, &room).await;
    let left = hostel.register(2).await;
    hostel.deactivate(&left.id).await.unwrap();
    let erased = hostel.register(3).await;
    hostel
        .write(
            "UPDATE student SET state = 'erased' WHERE registration_no = 'REG-003'",
            [],
        )
        .await;
    let mut records = hostel
        .roster()
        .stream_students(hostel.service(StreamStudentsRequest {}))
        .await
        .unwrap()
        .into_inner();
    let mut read: Vec<StudentRecord> = Vec::new();
    while let Some(record) = records.message().await.unwrap() {
        read.push(record);
    }
    let ids: Vec<_> = read.iter().map(|record| &record.id).collect();
    assert_eq!(ids, [&living.id, &left.id, &erased.id]);
    assert_eq!(read[0].room, living.room);
    assert_eq!((read[0].version, read[1].version), (1, 2));
    let states: Vec<_> = read.iter().map(StudentRecord::state).collect();
    assert_eq!(
        states,
        [StudentState::Active, StudentState::Deactivated, StudentState::Erased]
    );
    assert!(!format!("{read:?}").contains(PHONE));
}

#[tokio::test]
async fn services_read_every_block() {
    let hostel = Hostel::open().await;
    hostel.room("South", "101", 2).await;
    hostel.room("North", "101", 2).await;
    let located = "UPDATE block SET latitude = 28.6139, longitude = 77.209 WHERE name = 'North'";
    hostel.write(located, []).await;
    let request = hostel.service(StreamBlocksRequest {});
    let mut blocks = hostel.roster().stream_blocks(request).await.unwrap().into_inner();
    let north = blocks.message().await.unwrap().unwrap();
    assert_eq!((north.block.as_str(), north.version), ("North", 1));
    assert!((north.location.unwrap().latitude - 28.6139).abs() < f64::EPSILON);
    let south = blocks.message().await.unwrap().unwrap();
    assert_eq!((south.block.as_str(), south.location), ("South", None));
    assert_eq!(blocks.message().await.unwrap(), None);
}

#[tokio::test]
async fn nobody_else_does() {
    let hostel = Hostel::open().await;
    let refused = hostel
        .roster()
        .stream_students(hostel.warden(StreamStudentsRequest {}))
        .await;
    assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied);
}
