//! Changing records.

use proto::{
    auth::AccountRecordState,
    students::{ListStudentsRequest, UpdateStudentRequest},
};
use tonic::Code;

use crate::{
    auth::Mood,
    hostel::{Hostel, PARENT_PHONE, code, wrong_fields},
};

/// A change of nothing yet.
fn change(id: &str) -> UpdateStudentRequest {
    UpdateStudentRequest {
        id: id.to_owned(),
        ..UpdateStudentRequest::default()
    }
}

fn history(kinds: &[&str]) -> Vec<(String, i64)> {
    let versions = 1..;
    kinds
        .iter()
        .map(|kind| format!("student.{kind}"))
        .zip(versions)
        .collect()
}

#[tokio::test]
async fn only_what_is_given_changes() {
    let hostel = Hostel::open().await;
    let before = hostel.register(1).await;
    hostel.world.clock.advance(chrono::Duration::seconds(1));
    let wish = UpdateStudentRequest {
        phone: Some("9000000001".to_owned()),
        name: Some("Meera Nair".to_owned()),
        ..change(&before.id)
    };
    let after = hostel.update(wish.clone()).await.unwrap();
    assert_eq!(
        (after.phone.as_str(), after.name.as_str()),
        ("9000000001", "Meera Nair")
    );
    assert_eq!(after.parent_phone, PARENT_PHONE);
    assert_eq!((&after.email, after.created_at), (&before.email, before.created_at));
    assert_ne!(after.updated_at, before.updated_at);
    assert_eq!(hostel.get(&before.id).await.unwrap(), after);
    assert_eq!(hostel.auth.account(&before.id).unwrap().name, "Meera Nair");

    // The same again changes nothing.
    assert_eq!(hostel.update(wish).await.unwrap(), after);
    assert_eq!(hostel.update(change(&before.id)).await.unwrap(), after);
    assert_eq!(hostel.history(&before.id).await, history(&["registered", "updated"]));
    let events = hostel.events_of("student.updated").await;
    assert_eq!(events[0]["data"]["changed"], serde_json::json!(["name", "phone"]));
    assert!(!events[0].to_string().contains("9000000001"));
}

#[tokio::test]
async fn an_empty_address_is_none() {
    let hostel = Hostel::open().await;
    let student = hostel.register(1).await;
    let wish = UpdateStudentRequest {
        address: Some(String::new()),
        ..change(&student.id)
    };
    assert_eq!(hostel.update(wish).await.unwrap().address, None);
}

#[tokio::test]
async fn every_wrong_field_is_named_at_once() {
    let hostel = Hostel::open().await;
    let wish = UpdateStudentRequest {
        id: "nobody".to_owned(),
        email: Some(String::new()),
        registration_no: Some("REG 1".to_owned()),
        name: Some(String::new()),
        phone: Some("1".to_owned()),
        parent_phone: Some("2".to_owned()),
        address: Some("\u{1}".to_owned()),
        year: Some(2),
        semester: Some(1),
        room_id: Some("A-101".to_owned()),
        is_active: None,
    };
    let expected = [
        "id",
        "email",
        "registration_no",
        "name",
        "phone",
        "parent_phone",
        "address",
        "semester",
        "room_id",
    ];
    assert_eq!(wrong_fields(hostel.update(wish).await), expected);
    let nobody = change(&hostel.world.clock.new_id().to_string());
    assert_eq!(code(hostel.update(nobody).await).0, Code::NotFound);
}

#[tokio::test]
async fn year_and_semester_go_on_agreeing() {
    let hostel = Hostel::open().await;
    let student = hostel.register(1).await;
    let year = |year| UpdateStudentRequest {
        year: Some(year),
        ..change(&student.id)
    };
    assert_eq!(wrong_fields(hostel.update(year(2)).await), ["year"]);
    let semester = |semester| UpdateStudentRequest {
        semester: Some(semester),
        ..change(&student.id)
    };
    assert_eq!(wrong_fields(hostel.update(semester(3)).await), ["semester"]);
    assert_eq!(hostel.update(semester(2)).await.unwrap().semester, 2);
    let both = UpdateStudentRequest {
        year: Some(2),
        ..semester(3)
    };
    assert_eq!(hostel.update(both).await.unwrap().year, 2);
}

#[tokio::test]
async fn address_and_number_change_in_both_places() {
    let hostel = Hostel::open().await;
    let (student, other) = (hostel.register(1).await, hostel.register(2).await);
    let email = |id: &str, email: &str| UpdateStudentRequest {
        email: Some(email.to_owned()),
        ..change(id)
    };
    let changed = hostel.update(email(&student.id, "new@hostel.example")).await.unwrap();
    assert_eq!(changed.email, "new@hostel.example");
    let account = hostel.auth.account(&student.id).unwrap();
    assert_eq!((account.email.as_str(), account.version), ("new@hostel.example", 2));
    assert!(account.promised.is_empty());

    let refused = hostel.update(email(&other.id, "New@hostel.example")).await.unwrap_err();
    assert_eq!(
        (&*refused.reason, &refused.details["field"]),
        ("CONFLICT", &"email".into())
    );
    hostel.auth.has_stranger("REG-900");
    let number = UpdateStudentRequest {
        registration_no: Some("reg-900".to_owned()),
        ..change(&other.id)
    };
    let refused = hostel.update(number).await.unwrap_err();
    assert_eq!(refused.details["field"], "registration_no");
    assert_eq!(hostel.get(&other.id).await.unwrap(), other);
    assert_eq!(hostel.auth.account(&other.id).unwrap().version, 1);
    // What is free again can be had.
    hostel
        .update(email(&other.id, "student1@hostel.example"))
        .await
        .unwrap();
    assert_eq!(hostel.count("account_intent").await, 0);
    assert_eq!(hostel.history(&student.id).await, history(&["registered", "updated"]));
}

#[tokio::test]
async fn an_address_that_auth_did_not_answer_for_stays_free() {
    let hostel = Hostel::open().await;
    let (student, other) = (hostel.register(1).await, hostel.register(2).await);
    hostel.auth.is(Mood::LosingReservations);
    let email = |id: &str| UpdateStudentRequest {
        email: Some("new@hostel.example".to_owned()),
        ..change(id)
    };
    assert_eq!(code(hostel.update(email(&student.id)).await).0, Code::Unavailable);
    assert_eq!(hostel.get(&student.id).await.unwrap(), student);
    hostel.auth.is(Mood::Well);
    let account = hostel.auth.account(&student.id).unwrap();
    assert_eq!(
        (account.email, account.state),
        (student.email, AccountRecordState::Active)
    );
    hostel.update(email(&other.id)).await.unwrap();
}

#[tokio::test]
async fn fields_and_room_are_two_events() {
    let hostel = Hostel::open().await;
    let (from, to) = (hostel.room("A", "A-101", 1).await, hostel.room("B", "B-201", 1).await);
    let student = hostel.register_in(1, &from).await;
    let wish = UpdateStudentRequest {
        name: Some("Meera Nair".to_owned()),
        room_id: Some(to.clone()),
        ..change(&student.id)
    };
    let after = hostel.update(wish).await.unwrap();
    assert_eq!(after.room.unwrap().room_no, "B-201");
    assert_eq!(
        hostel.history(&student.id).await,
        history(&["registered", "updated", "moved"])
    );
    assert_eq!(
        (hostel.occupancy(&from).await, hostel.occupancy(&to).await),
        ((0, 0), (1, 1))
    );
    let moved = &hostel.events_of("student.moved").await[0]["data"];
    assert_eq!(moved["before"]["room_no"], "A-101");
    assert_eq!(moved["student"]["room"]["block"], "B");
    assert_eq!(moved["student"]["name"], "Meera Nair");
}

#[tokio::test]
async fn whoever_leaves_cannot_sign_in_and_frees_the_room() {
    let hostel = Hostel::open().await;
    let room = hostel.room("A", "A-101", 1).await;
    let student = hostel.register_in(1, &room).await;
    let left = hostel.deactivate(&student.id).await.unwrap();
    assert!(!left.is_active && left.room.is_none());
    assert_eq!(
        hostel.auth.account(&student.id).unwrap().state,
        AccountRecordState::Deactivated
    );
    assert_eq!(hostel.occupancy(&room).await, (0, 0));
    assert_eq!(hostel.count("stay WHERE moved_out_at IS NULL").await, 0);
    assert_eq!(hostel.deactivate(&student.id).await.unwrap(), left);
    assert_eq!(
        hostel.history(&student.id).await,
        history(&["registered", "deactivated"])
    );
    let event = &hostel.events_of("student.deactivated").await[0]["data"];
    assert_eq!(event["before"]["room_no"], "A-101");
    assert_eq!(event["student"]["state"], "deactivated");

    let move_in = UpdateStudentRequest {
        room_id: Some(room.clone()),
        ..change(&student.id)
    };
    assert_eq!(code(hostel.update(move_in.clone()).await).1, "DEACTIVATED");
    let back = UpdateStudentRequest {
        is_active: Some(true),
        ..move_in
    };
    let back = hostel.update(back).await.unwrap();
    assert!(back.is_active && back.room.is_some());
    assert_eq!(
        hostel.auth.account(&student.id).unwrap().state,
        AccountRecordState::Active
    );
    let told = history(&["registered", "deactivated", "updated", "moved"]);
    assert_eq!(hostel.history(&student.id).await, told);
}

#[tokio::test]
async fn a_change_may_deactivate_and_correct_at_once() {
    let hostel = Hostel::open().await;
    let room = hostel.room("A", "A-101", 1).await;
    let student = hostel.register_in(1, &room).await;
    let wish = UpdateStudentRequest {
        is_active: Some(false),
        phone: Some("9000000001".to_owned()),
        ..change(&student.id)
    };
    let contradiction = UpdateStudentRequest {
        room_id: Some(room),
        ..wish.clone()
    };
    assert_eq!(code(hostel.update(contradiction).await).1, "DEACTIVATED");
    let left = hostel.update(wish.clone()).await.unwrap();
    assert_eq!((left.is_active, left.phone.as_str()), (false, "9000000001"));
    assert_eq!(hostel.update(wish).await.unwrap(), left);
    let told = history(&["registered", "updated", "deactivated"]);
    assert_eq!(hostel.history(&student.id).await, told);
    assert_eq!(hostel.auth.account(&student.id).unwrap().version, 3);
}

#[tokio::test]
async fn auth_being_away_stops_nobody_from_leaving() {
    let hostel = Hostel::open().await;
    let student = hostel.register(1).await;
    hostel.auth.is(Mood::Down);
    assert!(!hostel.deactivate(&student.id).await.unwrap().is_active);
    assert_eq!(
        hostel.history(&student.id).await,
        history(&["registered", "deactivated"])
    );
    hostel.auth.is(Mood::Well);
    hostel.deactivate(&student.id).await.unwrap();
    assert_eq!(
        hostel.auth.account(&student.id).unwrap().state,
        AccountRecordState::Deactivated
    );
}

#[tokio::test]
async fn nothing_of_the_erased_can_be_changed() {
    let hostel = Hostel::open().await;
    let room = hostel.room("A", "A-101", 1).await;
    let student = hostel.register(1).await;
    hostel.write("UPDATE student SET state = 'erased'", []).await;
    let wish = UpdateStudentRequest {
        phone: Some("9000000001".to_owned()),
        ..change(&student.id)
    };
    assert_eq!(code(hostel.update(wish).await).1, "ERASED");
    assert_eq!(code(hostel.move_to(&student.id, &room).await).1, "ERASED");
    assert!(!hostel.get(&student.id).await.unwrap().is_active);
    assert!(!hostel.deactivate(&student.id).await.unwrap().is_active);
    assert_eq!(hostel.history(&student.id).await, history(&["registered"]));
    assert_eq!(hostel.list(ListStudentsRequest::default()).await, (vec![], 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_changes_at_once_lose_nothing() {
    let hostel = Hostel::open().await;
    let student = hostel.register(1).await;
    let wishes = (0..8).map(|number| UpdateStudentRequest {
        phone: Some(format!("900000000{number}")),
        ..change(&student.id)
    });
    let outcomes = futures_util::future::join_all(wishes.map(|wish| hostel.update(wish))).await;
    for outcome in outcomes {
        outcome.unwrap();
    }
    let mut told = vec!["registered"];
    told.extend(["updated"; 8]);
    assert_eq!(hostel.history(&student.id).await, history(&told));
}
