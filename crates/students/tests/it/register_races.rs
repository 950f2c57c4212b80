//! Registrations at the same moment.

use futures_util::future::join_all;
use proto::{options::Role, students::RegisterStudentRequest};
use tonic::Code;

use crate::hostel::{Hostel, code, somebody};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_at_once_for_two_beds() {
    let hostel = Hostel::open().await;
    let room = hostel.room("A", "A-101", 2).await;
    let requests = (1..=8).map(|number| RegisterStudentRequest {
        room_id: Some(room.clone()),
        ..somebody(number)
    });
    let outcomes = join_all(requests.map(|request| hostel.try_register(request))).await;
    let (done, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!(done.len(), 2, "{refused:?}");
    for refusal in refused {
        assert_eq!(code(refusal), (Code::FailedPrecondition, "ROOM_FULL".to_owned()));
    }
    assert_eq!(hostel.occupancy(&room).await, (2, 2));
    assert_eq!(hostel.count("student").await, 2);
    assert_eq!(hostel.count("stay").await, 2);
    assert_eq!(hostel.auth.accounts(), 2);
    assert_eq!(hostel.count("account_intent").await, 0);
    for student in done.into_iter().map(Result::unwrap) {
        assert_eq!(hostel.auth.account(&student.id).unwrap().version, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_at_once_with_one_address() {
    let hostel = Hostel::open().await;
    let requests = (1..=8).map(|number| RegisterStudentRequest {
        email: "same@hostel.example".to_owned(),
        ..somebody(number)
    });
    let outcomes = join_all(requests.map(|request| hostel.try_register(request))).await;
    let (done, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!(done.len(), 1, "{refused:?}");
    for refusal in refused {
        let fault = refusal.unwrap_err();
        assert_eq!((&*fault.reason, &fault.details["field"]), ("CONFLICT", &"email".into()));
    }
    assert_eq!((hostel.count("student").await, hostel.auth.accounts()), (1, 1));
    assert_eq!(hostel.count("account_intent").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_times_the_same_request_at_once() {
    let hostel = Hostel::open().await;
    let token = hostel.world.keys.token(Role::Warden);
    let tries = (0..8).map(|_| hostel.register_with_key(&token, "key-1", somebody(1)));
    let (done, refused): (Vec<_>, Vec<_>) = join_all(tries).await.into_iter().partition(Result::is_ok);
    let ids: Vec<_> = done.into_iter().map(|student| student.unwrap().id).collect();
    assert!(!ids.is_empty(), "{refused:?}");
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    for refusal in refused {
        assert_eq!(code(refusal), (Code::AlreadyExists, "CONFLICT".to_owned()));
    }
    assert_eq!((hostel.count("student").await, hostel.auth.accounts()), (1, 1));
    assert_eq!(hostel.count("account_intent").await, 0);
    let again = hostel.register_with_key(&token, "key-1", somebody(1)).await.unwrap();
    assert_eq!(again.id, ids[0]);
}
