//! Extensions: leaves of their own that keep a student away longer.

use chrono::TimeDelta;
use kit::{Fault, testing::broken};
use leave::{Config, domain::Rules};
use proto::{
    leave::{ExtendLeaveRequest, Leave, LeaveState},
    options::Role,
};

use crate::{
    gate::{as_warden, come_back, depart, view},
    hostel::{Hostel, Pupil, reason, told, until, wrong_fields},
};

const DAY: TimeDelta = TimeDelta::days(1);

async fn extend(hostel: &Hostel, pupil: &Pupil, request: ExtendLeaveRequest) -> Result<Leave, Fault> {
    told(
        hostel
            .extensions()
            .extend_leave(hostel.by_student(pupil, request))
            .await,
    )
}

/// An extension until so many days from now.
fn longer(hostel: &Hostel, leave: &Leave, to: u64) -> ExtendLeaveRequest {
    ExtendLeaveRequest {
        id: leave.id.clone(),
        to_date: hostel.in_days(to).to_string(),
        ..ExtendLeaveRequest::default()
    }
}

#[tokio::test]
async fn an_extension_begins_on_the_day_after_and_keeps_the_student_away() {
    let hostel = Hostel::open_with(Config {
        overdue_every_seconds: 1,
        ..Config::default()
    })
    .await;
    let asha = hostel.student(1, "A").await;
    let leave = hostel.granted(&asha, 0, 1).await;
    depart(&hostel, &leave.id).await.unwrap();
    let more = ExtendLeaveRequest {
        place_of_visit: Some("Nashik".to_owned()),
        extra_details: Some("The train was cancelled".to_owned()),
        ..longer(&hostel, &leave, 3)
    };
    let asked = extend(&hostel, &asha, more).await.unwrap();
    assert_eq!(
        (asked.status(), asked.extends.as_deref()),
        (LeaveState::Pending, Some(leave.id.as_str()))
    );
    assert_eq!(
        (asked.from_date.as_str(), asked.days),
        (hostel.in_days(2).to_string().as_str(), 2)
    );
    assert_eq!(
        (asked.place_of_visit.as_str(), asked.leave_type),
        ("Nashik", leave.leave_type)
    );
    assert_eq!(asked.parent_phone, leave.parent_phone);
    assert_eq!(hostel.told("leave.requested").await[1]["data"]["extends"], leave.id);
    // As long as it is not granted the gate knows nothing of it.
    assert_eq!(view(&hostel, None).await.out_now[0].to_date, leave.to_date);
    hostel.world.clock.advance(DAY * 2);
    until("an overdue student", async || {
        hostel.told("leave.overstayed").await.pop()
    })
    .await;

    hostel.approve(&asked.id).await.unwrap();
    let now = view(&hostel, None).await;
    assert_eq!(
        (now.out_now[0].to_date.as_str(), now.overdue.len()),
        (asked.to_date.as_str(), 0)
    );
    assert_eq!(now.out_now[0].leave_id, leave.id);
    // Another last day can be missed once more.
    hostel.world.clock.advance(DAY * 2);
    until("the student again", async || {
        hostel.told("leave.overstayed").await.into_iter().nth(1)
    })
    .await;
    let again = &hostel.told("leave.overstayed").await[1]["data"];
    assert_eq!(
        (again["leave"]["id"].as_str(), again["due_date"].as_str()),
        (Some(leave.id.as_str()), Some(asked.to_date.as_str()))
    );
    // The gate takes any leave of the chain for the whole.
    let back = come_back(&hostel, &asked.id).await.unwrap();
    assert_eq!((back.leave_id.as_str(), back.is_late), (leave.id.as_str(), true));
}

#[tokio::test]
async fn an_early_return_ends_the_extension_and_takes_back_what_has_not_begun() {
    let hostel = Hostel::open().await;
    let asha = hostel.student(1, "A").await;
    let leave = hostel.granted(&asha, 0, 1).await;
    let second = extend(&hostel, &asha, longer(&hostel, &leave, 4)).await.unwrap();
    hostel.approve(&second.id).await.unwrap();
    let third = extend(&hostel, &asha, longer(&hostel, &second, 6)).await.unwrap();
    hostel.approve(&third.id).await.unwrap();
    let fourth = extend(&hostel, &asha, longer(&hostel, &third, 8)).await.unwrap();
    depart(&hostel, &leave.id).await.unwrap();
    assert_eq!(view(&hostel, None).await.out_now[0].to_date, third.to_date);

    hostel.world.clock.advance(DAY * 3);
    let back = come_back(&hostel, &second.id).await.unwrap();
    let today = hostel.in_days(0).to_string();
    assert_eq!(
        (back.leave_id.as_str(), back.to_date.as_str(), back.is_late),
        (leave.id.as_str(), today.as_str(), false)
    );
    let states = [
        (&leave, LeaveState::Approved, &leave.to_date),
        (&second, LeaveState::Approved, &today),
        (&third, LeaveState::Cancelled, &third.to_date),
        (&fourth, LeaveState::Cancelled, &fourth.to_date),
    ];
    for (one, state, to) in states {
        let now = as_warden(&hostel, &one.id).await;
        assert_eq!((now.status(), &now.to_date), (state, to));
    }
    assert_eq!(hostel.told("leave.changed").await.len(), 1);
    assert_eq!(hostel.told("leave.cancelled").await.len(), 2);
    hostel.ask(&asha, hostel.home(1, 9)).await.unwrap();
    assert_eq!(
        reason(extend(&hostel, &asha, longer(&hostel, &second, 12)).await),
        "LEAVE_ENDED"
    );
}

#[tokio::test]
async fn what_extends_a_cancelled_leave_goes_with_it() {
    let hostel = Hostel::open().await;
    let asha = hostel.student(1, "A").await;
    let leave = hostel.granted(&asha, 3, 4).await;
    let second = extend(&hostel, &asha, longer(&hostel, &leave, 6)).await.unwrap();
    hostel.approve(&second.id).await.unwrap();
    let third = extend(&hostel, &asha, longer(&hostel, &second, 8)).await.unwrap();
    // Cancelling an extension leaves the leave before it.
    hostel.cancel(&asha, &second.id).await.unwrap();
    assert_eq!(as_warden(&hostel, &third.id).await.status(), LeaveState::Cancelled);
    assert_eq!(as_warden(&hostel, &leave.id).await.status(), LeaveState::Approved);
    let again = extend(&hostel, &asha, longer(&hostel, &leave, 9)).await.unwrap();
    hostel.cancel(&asha, &leave.id).await.unwrap();
    assert_eq!(as_warden(&hostel, &again.id).await.status(), LeaveState::Cancelled);
    assert_eq!(hostel.told("leave.cancelled").await.len(), 4);
    assert_eq!(hostel.count("leave_day").await, 0);
}

#[tokio::test]
async fn only_a_granted_leave_of_ones_own_that_has_not_ended_is_extended() {
    let mut config = Config::default();
    config.types.home = Rules {
        max_days: 10,
        ..Rules::default()
    };
    let hostel = Hostel::open_with(config).await;
    let (asha, ravi) = (hostel.student(1, "A").await, hostel.student(2, "A").await);
    let pending = hostel.ask(&asha, hostel.home(0, 1)).await.unwrap();
    assert_eq!(
        reason(extend(&hostel, &asha, longer(&hostel, &pending, 3)).await),
        "LEAVE_NOT_APPROVED"
    );
    let leave = hostel.approve(&pending.id).await.unwrap();
    assert_eq!(
        reason(extend(&hostel, &ravi, longer(&hostel, &leave, 3)).await),
        "NOT_FOUND"
    );
    assert_eq!(
        wrong_fields(extend(&hostel, &asha, longer(&hostel, &leave, 1)).await),
        ["to_date"]
    );
    assert_eq!(
        reason(extend(&hostel, &asha, longer(&hostel, &leave, 10)).await),
        "LEAVE_TOO_LONG"
    );
    assert_eq!(
        wrong_fields(extend(&hostel, &asha, longer(&hostel, &leave, 95)).await),
        ["to_date"]
    );
    let all_wrong = ExtendLeaveRequest {
        id: "1".to_owned(),
        to_date: "soon".to_owned(),
        place_of_visit: Some("\u{7}".to_owned()),
        extra_details: Some("x".repeat(2001)),
    };
    let fields = wrong_fields(extend(&hostel, &asha, all_wrong).await);
    assert_eq!(fields, ["id", "to_date", "place_of_visit", "extra_details"]);
    for one in broken(&longer(&hostel, &leave, 3)) {
        assert_eq!(wrong_fields(extend(&hostel, &asha, one.request).await), [one.field]);
    }
    let asked = extend(&hostel, &asha, longer(&hostel, &leave, 3)).await.unwrap();
    let other = extend(&hostel, &asha, longer(&hostel, &leave, 2)).await.unwrap_err();
    assert_eq!(
        (other.reason.as_ref(), &other.details["leave_id"]),
        ("LEAVE_OVERLAP", &asked.id.clone().into())
    );
    hostel.reject(&asked.id).await.unwrap();
    // Rejected, it is out of the way; on the day after the leave there is still time to ask.
    hostel.world.clock.advance(DAY * 2);
    extend(&hostel, &asha, longer(&hostel, &leave, 0)).await.unwrap();
    hostel.world.clock.advance(DAY);
    assert_eq!(
        reason(extend(&hostel, &asha, longer(&hostel, &leave, 3)).await),
        "LEAVE_ENDED"
    );
    let seen = hostel.get_as(asha.id, Role::Student, &leave.id).await.unwrap();
    assert_eq!(seen.status(), LeaveState::Approved);
}
