//! Requests that this service checks itself: what breaks a rule of their fields is refused, with everything else that is wrong.

use kit::testing::{broken, checked_by_service};
use proto::students::{RegisterStudentRequest, UpdateRoomRequest, UpdateStudentRequest};

use crate::{
    auth::Mood,
    hostel::{Hostel, somebody, wrong_fields},
    places::{change, room},
};

fn moved_to(room: &str, number: u32) -> RegisterStudentRequest {
    RegisterStudentRequest {
        room_id: Some(room.to_owned()),
        password: Some("Room#2026x".to_owned()),
        ..somebody(number)
    }
}

#[tokio::test]
async fn no_registration_breaks_a_rule_of_its_fields() {
    let hostel = Hostel::open().await;
    let room = hostel.room("A", "A-101", 2).await;
    let all = broken(&moved_to(&room, 1));
    assert!(all.len() > 100, "{} requests", all.len());
    for one in all {
        let fields = wrong_fields(hostel.try_register(one.request.clone()).await);
        assert_eq!(fields, [one.field.as_str()], "{one:?}");
    }
    assert!(hostel.auth.reserved().is_empty());
    hostel.try_register(moved_to(&room, 1)).await.unwrap();
}

#[tokio::test]
async fn no_change_of_a_student_breaks_a_rule_of_its_fields() {
    let hostel = Hostel::open().await;
    let room = hostel.room("A", "A-101", 2).await;
    let before = hostel.register_in(1, &room).await;
    let valid = UpdateStudentRequest {
        id: before.id.clone(),
        email: Some(before.email.clone()),
        registration_no: Some(before.registration_no.clone()),
        name: Some(before.name.clone()),
        phone: Some(before.phone.clone()),
        parent_phone: Some(before.parent_phone.clone()),
        address: before.address.clone(),
        year: Some(1),
        semester: Some(1),
        room_id: Some(room),
        is_active: Some(true),
    };
    for one in broken(&valid) {
        let fields = wrong_fields(hostel.update(one.request.clone()).await);
        assert_eq!(fields, [one.field.as_str()], "{one:?}");
    }
    assert_eq!(hostel.update(valid).await.unwrap(), before);
}

#[tokio::test]
async fn no_room_breaks_a_rule_of_its_fields() {
    let hostel = Hostel::open().await;
    let new = room("A", "A-101", 2);
    for one in broken(&new) {
        let fields = wrong_fields(hostel.add(one.request.clone()).await);
        assert_eq!(fields, [one.field.as_str()], "{one:?}");
    }
    let before = hostel.add(new).await.unwrap();
    let valid = UpdateRoomRequest {
        room_no: Some(before.room_no.clone()),
        floor: Some(before.floor),
        capacity: Some(before.capacity),
        ..change(&before.id)
    };
    for one in broken(&valid) {
        let fields = wrong_fields(hostel.change_room(one.request.clone()).await);
        assert_eq!(fields, [one.field.as_str()], "{one:?}");
    }
    assert_eq!(hostel.change_room(valid).await.unwrap(), before);
}

/// Whoever adds one adds a test like those above.
#[test]
fn every_request_that_this_service_checks_is_tested() {
    let all = [
        "CreateRoomRequest",
        "RegisterStudentRequest",
        "UpdateRoomRequest",
        "UpdateStudentRequest",
    ];
    let mut checked = checked_by_service("hostelpulse.students.v1");
    checked.sort();
    assert_eq!(checked, all);
}

#[tokio::test]
async fn a_weak_password_is_named_beside_other_fields() {
    let hostel = Hostel::open().await;
    let request = RegisterStudentRequest {
        phone: "12345".to_owned(),
        semester: 4,
        room_id: Some(hostel.world.clock.new_id().to_string()),
        password: Some("weak".to_owned()),
        ..somebody(1)
    };
    let fields = wrong_fields(hostel.try_register(request.clone()).await);
    assert_eq!(fields, ["phone", "semester", "room_id", "password"]);
    // What can be told without auth is told without it.
    hostel.auth.is(Mood::Down);
    let fields = wrong_fields(hostel.try_register(request.clone()).await);
    assert_eq!(fields, ["phone", "semester", "room_id"]);
    hostel.auth.is(Mood::Well);
    let good = RegisterStudentRequest {
        password: Some("Room#2026x".to_owned()),
        ..request
    };
    let fields = wrong_fields(hostel.try_register(good).await);
    assert_eq!(fields, ["phone", "semester", "room_id"]);
    assert!(hostel.auth.reserved().is_empty());
}

#[tokio::test]
async fn a_year_that_is_not_of_the_semester_is_named_beside_other_fields() {
    let hostel = Hostel::open().await;
    let id = hostel.register(1).await.id;
    let wish = |year, semester| UpdateStudentRequest {
        id: id.clone(),
        phone: Some("12345".to_owned()),
        year,
        semester,
        room_id: Some("A-101".to_owned()),
        ..UpdateStudentRequest::default()
    };
    for (year, semester, wrong) in [
        (Some(2), None, vec!["year"]),
        (None, Some(4), vec!["semester"]),
        (Some(2), Some(1), vec!["semester"]),
        (Some(9), Some(9), vec!["year", "semester"]),
        (None, Some(2), vec![]),
    ] {
        let expected = [&["phone"], wrong.as_slice(), &["room_id"]].concat();
        assert_eq!(wrong_fields(hostel.update(wish(year, semester)).await), expected);
    }
    // Of nobody only that is known which is wrong by itself.
    let nobody = UpdateStudentRequest {
        id: hostel.world.clock.new_id().to_string(),
        ..wish(Some(9), None)
    };
    assert_eq!(wrong_fields(hostel.update(nobody).await), ["phone", "year", "room_id"]);
}
