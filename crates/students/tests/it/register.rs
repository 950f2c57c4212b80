//! Registering students.

use kit::Fault;
use proto::{auth::AccountRecordState, options::Role, students::RegisterStudentRequest};
use tonic::Code;

use crate::hostel::{ADDRESS, Hostel, PARENT_PHONE, PHONE, code, somebody, wrong_fields};

/// Whose value it was, of a registration that must be refused for that.
fn taken(outcome: Result<proto::students::Student, Fault>) -> String {
    let fault = outcome.unwrap_err();
    assert_eq!((fault.kind.http(), &*fault.reason), (409, "CONFLICT"), "{fault}");
    fault.details["field"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn record_and_account_come_to_be_together() {
    let hostel = Hostel::open().await;
    let room = hostel.room("A", "A-101", 2).await;
    let request = RegisterStudentRequest {
        room_id: Some(room.clone()),
        password: Some("Room#2026x".to_owned()),
        ..somebody(1)
    };
    let student = hostel.try_register(request).await.unwrap();
    assert_eq!(student.user_id, student.id);
    assert_eq!(
        (student.phone.as_str(), student.parent_phone.as_str()),
        (PHONE, PARENT_PHONE)
    );
    assert_eq!(student.address.as_deref(), Some(ADDRESS));
    assert!(student.is_active);
    let lives_in = student.room.as_ref().unwrap();
    assert_eq!((lives_in.room_no.as_str(), lives_in.block.as_str()), ("A-101", "A"));
    assert_eq!(hostel.get(&student.id).await.unwrap(), student);

    let account = hostel.auth.account(&student.id).unwrap();
    assert_eq!((account.state, account.version), (AccountRecordState::Active, 1));
    assert_eq!(account.email, student.email);
    assert_eq!(account.registration_no, student.registration_no);
    assert_eq!(account.name, student.name);
    assert_eq!(account.password.as_deref(), Some("Room#2026x"));
    assert!(account.promised.is_empty());
    let told: Vec<_> = hostel.auth.told().iter().map(|record| record.id.clone()).collect();
    assert_eq!(told, [student.id.as_str()]);

    assert_eq!(
        hostel.history(&student.id).await,
        [("student.registered".to_owned(), 1)]
    );
    assert_eq!(hostel.occupancy(&room).await, (1, 1));
    assert_eq!(hostel.count("stay").await, 1);
    assert_eq!(hostel.count("account_intent").await, 0);
}

#[tokio::test]
async fn auth_is_told_whose_request_it_is() {
    let hostel = Hostel::open().await;
    let mut request = hostel.warden(somebody(1));
    request.metadata_mut().insert("x-request-id", "req-7".parse().unwrap());
    hostel.students().register_student(request).await.unwrap();
    assert_eq!(hostel.auth.request_ids(), ["req-7", "req-7"]);
}

#[tokio::test]
async fn every_wrong_field_is_named_at_once() {
    let hostel = Hostel::open().await;
    let request = RegisterStudentRequest {
        email: "nobody".to_owned(),
        registration_no: "REG 1".to_owned(),
        name: " ".to_owned(),
        phone: "12345".to_owned(),
        parent_phone: "5876543210".to_owned(),
        address: Some("a\u{0}b".to_owned()),
        year: 2,
        semester: 1,
        room_id: Some(hostel.world.clock.new_id().to_string()),
        password: Some("x".repeat(1025)),
    };
    let fields = wrong_fields(hostel.try_register(request).await);
    let expected = [
        "email",
        "registration_no",
        "name",
        "phone",
        "parent_phone",
        "address",
        "semester",
        "room_id",
        "password",
    ];
    assert_eq!(fields, expected);
    assert!(hostel.auth.reserved().is_empty());
    assert_eq!(hostel.count("account_intent").await, 0);

    let unreadable = RegisterStudentRequest {
        room_id: Some("A-101".to_owned()),
        ..somebody(1)
    };
    assert_eq!(wrong_fields(hostel.try_register(unreadable).await), ["room_id"]);
}

#[tokio::test]
async fn an_address_and_a_number_belong_to_one_person() {
    let hostel = Hostel::open().await;
    hostel.register(1).await;
    let same_email = RegisterStudentRequest {
        email: "STUDENT1@hostel.example".to_owned(),
        ..somebody(2)
    };
    assert_eq!(taken(hostel.try_register(same_email).await), "email");
    let same_number = RegisterStudentRequest {
        registration_no: "reg-001".to_owned(),
        ..somebody(2)
    };
    assert_eq!(taken(hostel.try_register(same_number).await), "registration_no");

    // Also when it is an account that is no student's.
    hostel.auth.has_stranger("student3@hostel.example");
    hostel.auth.has_stranger("REG-004");
    assert_eq!(taken(hostel.try_register(somebody(3)).await), "email");
    assert_eq!(taken(hostel.try_register(somebody(4)).await), "registration_no");
    assert_eq!(hostel.auth.accounts(), 1);
    assert_eq!(hostel.count("student").await, 1);
    assert_eq!(hostel.count("account_intent").await, 0);
}

#[tokio::test]
async fn rules_of_auth_are_told_by_their_field() {
    let hostel = Hostel::open().await;
    let request = RegisterStudentRequest {
        password: Some("weak".to_owned()),
        ..somebody(1)
    };
    assert_eq!(wrong_fields(hostel.try_register(request).await), ["password"]);
    assert_eq!(hostel.auth.accounts(), 0);
    assert_eq!(hostel.count("account_intent").await, 0);
    hostel.register(1).await;
}

#[tokio::test]
async fn nobody_moves_into_a_full_room() {
    let hostel = Hostel::open().await;
    let room = hostel.room("A", "A-101", 1).await;
    hostel.register_in(1, &room).await;
    let second = RegisterStudentRequest {
        room_id: Some(room.clone()),
        ..somebody(2)
    };
    let refused = code(hostel.try_register(second).await);
    assert_eq!(refused, (Code::FailedPrecondition, "ROOM_FULL".to_owned()));
    assert_eq!(hostel.auth.accounts(), 1);
    assert_eq!(hostel.occupancy(&room).await, (1, 1));
}

#[tokio::test]
async fn the_same_request_again_is_one_registration() {
    let hostel = Hostel::open().await;
    let token = hostel.world.keys.token(Role::Warden);
    let first = hostel.register_with_key(&token, "key-1", somebody(1)).await.unwrap();
    let again = hostel.register_with_key(&token, "key-1", somebody(1)).await.unwrap();
    assert_eq!(first, again);
    assert_eq!(hostel.count("student").await, 1);
    let other = hostel.register_with_key(&token, "key-1", somebody(2)).await;
    assert_eq!(code(other).1, "IDEMPOTENCY_KEY_REUSED");
    // Somebody else's key is another.
    let other = hostel.world.keys.token(Role::Warden);
    let refused = hostel.register_with_key(&other, "key-1", somebody(1)).await;
    assert_eq!(taken(refused), "email");
}

#[tokio::test]
async fn what_is_private_lies_nowhere_in_clear() {
    let hostel = Hostel::open().await;
    let token = hostel.world.keys.token(Role::Warden);
    hostel.register_with_key(&token, "key-1", somebody(1)).await.unwrap();
    let kept = hostel.everything_kept().await;
    let holds = |text: &str| kept.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("Some Body 1"), "this test looks into the database");
    for private in [PHONE, PARENT_PHONE, ADDRESS] {
        assert!(!holds(private), "{private}");
        assert!(!holds(&hex::encode(private)), "{private}");
    }
}
