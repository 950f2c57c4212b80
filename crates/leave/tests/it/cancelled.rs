//! Taking a leave back.

use proto::{
    leave::{CancelLeaveRequest, LeaveState},
    options::Role,
};

use crate::hostel::{Hostel, reason, told};

#[tokio::test]
async fn what_was_not_decided_is_taken_back_at_any_time() {
    let hostel = Hostel::open().await;
    let asha = hostel.student(1, "A").await;
    let asked = hostel.ask(&asha, hostel.home(0, 2)).await.unwrap();
    let cancelled = hostel.cancel(&asha, &asked.id).await.unwrap();
    assert_eq!(cancelled.status(), LeaveState::Cancelled);
    assert!(cancelled.cancelled_at.is_some() && cancelled.decided_at.is_none());
    let again = hostel.cancel(&asha, &asked.id).await.unwrap_err();
    assert_eq!(
        (again.reason.as_ref(), &again.details["status"]),
        ("ALREADY_DECIDED", &"cancelled".into())
    );
    assert_eq!(
        hostel.told("leave.cancelled").await[0]["data"]["leave"]["state"],
        "cancelled"
    );
}

#[tokio::test]
async fn what_is_granted_is_taken_back_until_it_begins() {
    let hostel = Hostel::open().await;
    let asha = hostel.student(1, "A").await;
    let running = hostel.granted(&asha, 0, 2).await;
    assert_eq!(reason(hostel.cancel(&asha, &running.id).await), "LEAVE_BEGUN");
    let coming = hostel.granted(&asha, 3, 5).await;
    let cancelled = hostel.cancel(&asha, &coming.id).await.unwrap();
    assert!(cancelled.decided_at.is_some(), "who granted it is remembered");
    assert_eq!(hostel.count("leave_day").await, 3);
}

#[tokio::test]
async fn another_students_leave_does_not_exist_and_a_warden_may_take_it_back() {
    let hostel = Hostel::open().await;
    let (asha, bilal) = (hostel.student(1, "A").await, hostel.student(2, "A").await);
    let coming = hostel.granted(&asha, 3, 5).await;
    assert_eq!(reason(hostel.cancel(&bilal, &coming.id).await), "NOT_FOUND");
    assert_eq!(
        reason(hostel.get_as(bilal.id, Role::Student, &coming.id).await),
        "NOT_FOUND"
    );
    let request = CancelLeaveRequest { id: coming.id.clone() };
    let cancelled = told(hostel.requests().cancel_leave(hostel.by_warden(request)).await).unwrap();
    assert_eq!(cancelled.status(), LeaveState::Cancelled);
    assert_eq!(reason(hostel.approve(&coming.id).await), "ALREADY_DECIDED");
}
