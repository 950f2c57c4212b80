//! Leaves that began and were never used: a warden ends them.

use chrono::TimeDelta;
use futures_util::future::join_all;
use kit::Fault;
use proto::leave::{CancelLeaveRequest, ExtendLeaveRequest, Leave, LeaveState, RequestLeaveRequest};

use crate::{
    gate::{as_warden, come_back, depart, versions_are_whole, view},
    hostel::{Hostel, Pupil, reason, told},
};

const DAY: TimeDelta = TimeDelta::days(1);

async fn end(hostel: &Hostel, id: &str) -> Result<Leave, Fault> {
    let request = CancelLeaveRequest { id: id.to_owned() };
    told(hostel.requests().cancel_leave(hostel.by_warden(request)).await)
}

/// A granted leave that was asked for when it had begun, from one day to another, both so many days ago.
async fn granted_late(hostel: &Hostel, pupil: &Pupil, from: u64, to: u64) -> Leave {
    let request = RequestLeaveRequest {
        from_date: hostel.days_ago(from).to_string(),
        to_date: hostel.days_ago(to).to_string(),
        retroactive: Some(true),
        ..hostel.home(0, 0)
    };
    let asked = hostel.ask(pupil, request).await.unwrap();
    hostel.approve(&asked.id).await.unwrap()
}

async fn extended(hostel: &Hostel, pupil: &Pupil, leave: &Leave, to: u64) -> Leave {
    let request = ExtendLeaveRequest {
        id: leave.id.clone(),
        to_date: hostel.in_days(to).to_string(),
        ..ExtendLeaveRequest::default()
    };
    let asked = told(
        hostel
            .extensions()
            .extend_leave(hostel.by_student(pupil, request))
            .await,
    );
    hostel.approve(&asked.unwrap().id).await.unwrap()
}

#[tokio::test]
async fn one_that_runs_and_that_nobody_left_on_ends_with_yesterday() {
    let hostel = Hostel::open().await;
    let asha = hostel.student(1, "A").await;
    let leave = hostel.granted(&asha, 0, 5).await;
    hostel.world.clock.advance(DAY * 2);
    assert_eq!(reason(hostel.cancel(&asha, &leave.id).await), "LEAVE_BEGUN");

    let ended = end(&hostel, &leave.id).await.unwrap();
    let yesterday = hostel.days_ago(1).to_string();
    assert_eq!(
        (ended.status(), &ended.to_date, &ended.asked_to_date),
        (LeaveState::Approved, &yesterday, &leave.to_date)
    );
    assert_eq!((ended.days, ended.cancelled_at), (2, None));
    let changed = hostel.told("leave.changed").await;
    assert_eq!(changed.len(), 1);
    assert_eq!(
        (
            &changed[0]["data"]["leave"]["to_date"],
            &changed[0]["data"]["leave"]["state"]
        ),
        (&yesterday.into(), &"approved".into())
    );
    assert!(hostel.told("leave.cancelled").await.is_empty());

    // Said again it says no more, and nobody leaves on it any more; its last days can be had again.
    let again = end(&hostel, &leave.id).await.unwrap_err();
    assert_eq!(
        (again.reason.as_ref(), &again.details["to_date"]),
        ("LEAVE_ENDED", &ended.to_date.into())
    );
    assert_eq!(reason(depart(&hostel, &leave.id).await), "LEAVE_ENDED");
    hostel.ask(&asha, hostel.home(0, 5)).await.unwrap();
    assert_eq!(hostel.count("leave_day").await, 2 + 6);
    versions_are_whole(&hostel).await;
}

#[tokio::test]
async fn one_that_begins_today_is_taken_back_as_a_whole() {
    let hostel = Hostel::open().await;
    let asha = hostel.student(1, "A").await;
    let leave = hostel.granted(&asha, 0, 5).await;
    let gone = end(&hostel, &leave.id).await.unwrap();
    assert_eq!((gone.status(), &gone.to_date), (LeaveState::Cancelled, &leave.to_date));
    assert!(gone.decided_at.is_some() && gone.cancelled_at.is_some());
    assert_eq!(hostel.told("leave.cancelled").await.len(), 1);
    assert_eq!(hostel.count("leave_day").await, 0);
    assert_eq!(reason(end(&hostel, &leave.id).await), "ALREADY_DECIDED");
    versions_are_whole(&hostel).await;
}

#[tokio::test]
async fn one_that_was_asked_for_late_is_taken_back_as_a_whole() {
    let hostel = Hostel::open().await;
    let asha = hostel.student(1, "A").await;
    let over = granted_late(&hostel, &asha, 5, 3).await;
    assert_eq!(reason(hostel.cancel(&asha, &over.id).await), "LEAVE_BEGUN");
    assert_eq!(end(&hostel, &over.id).await.unwrap().status(), LeaveState::Cancelled);
    let running = granted_late(&hostel, &asha, 5, 0).await;
    assert_eq!(end(&hostel, &running.id).await.unwrap().status(), LeaveState::Cancelled);
    let cancelled = hostel.told("leave.cancelled").await;
    assert_eq!(cancelled.len(), 2);
    assert_eq!(cancelled[0]["data"]["leave"]["from_date"], over.from_date);
    assert_eq!(hostel.count("leave_day").await, 0);
    versions_are_whole(&hostel).await;
}

#[tokio::test]
async fn one_that_is_over_stays_as_it_is() {
    let hostel = Hostel::open().await;
    let asha = hostel.student(1, "A").await;
    let leave = hostel.granted(&asha, 0, 1).await;
    hostel.world.clock.advance(DAY * 2);
    assert_eq!(reason(end(&hostel, &leave.id).await), "LEAVE_ENDED");
    assert_eq!(hostel.count("leave_day").await, 2);
}

#[tokio::test]
async fn one_that_was_used_ends_with_the_return_alone() {
    let hostel = Hostel::open().await;
    let asha = hostel.student(1, "A").await;
    let leave = hostel.granted(&asha, 0, 1).await;
    let more = extended(&hostel, &asha, &leave, 5).await;
    depart(&hostel, &leave.id).await.unwrap();
    assert_eq!(reason(end(&hostel, &leave.id).await), "LEAVE_BEGUN");
    hostel.world.clock.advance(DAY * 3);
    // Who is out is out on the whole chain.
    assert_eq!(reason(end(&hostel, &more.id).await), "LEAVE_BEGUN");
    assert_eq!(view(&hostel, None).await.out_now[0].to_date, more.to_date);
    come_back(&hostel, &leave.id).await.unwrap();
    assert_eq!(reason(end(&hostel, &more.id).await), "LEAVE_BEGUN");
}

#[tokio::test]
async fn what_extends_one_that_ends_is_taken_back() {
    let hostel = Hostel::open().await;
    let (asha, ravi) = (hostel.student(1, "A").await, hostel.student(2, "A").await);
    let running = hostel.granted(&asha, 0, 2).await;
    let coming = extended(&hostel, &asha, &running, 4).await;
    hostel.world.clock.advance(DAY);
    let ended = end(&hostel, &running.id).await.unwrap();
    assert_eq!((ended.status(), ended.days), (LeaveState::Approved, 1));
    assert_eq!(as_warden(&hostel, &coming.id).await.status(), LeaveState::Cancelled);

    // Where the first was never to be, neither was what extends it, also where that runs already.
    let over = granted_late(&hostel, &ravi, 3, 1).await;
    let extending = extended(&hostel, &ravi, &over, 3).await;
    hostel.world.clock.advance(DAY);
    assert_eq!(end(&hostel, &over.id).await.unwrap().status(), LeaveState::Cancelled);
    assert_eq!(as_warden(&hostel, &extending.id).await.status(), LeaveState::Cancelled);
    assert_eq!(hostel.told("leave.cancelled").await.len(), 3);
    assert_eq!(hostel.count("leave_day").await, 1);
    versions_are_whole(&hostel).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_departure_and_an_end_at_once_one_comes_first() {
    let hostel = Hostel::open().await;
    let mut leaves = Vec::new();
    for number in 0..10 {
        let pupil = hostel.student(number, "A").await;
        leaves.push(hostel.granted(&pupil, 0, 3).await);
    }
    let racing = leaves.iter().map(|leave| {
        let hostel = &hostel;
        async move { tokio::join!(depart(hostel, &leave.id), end(hostel, &leave.id)) }
    });
    let mut out = 0;
    for (left, ended) in join_all(racing).await {
        if left.is_ok() {
            assert_eq!(reason(ended), "LEAVE_BEGUN");
            out += 1;
        } else {
            // A guard sees no leave that is taken back.
            assert_eq!(reason(left), "NOT_FOUND");
            assert_eq!(ended.unwrap().status(), LeaveState::Cancelled);
        }
    }
    assert_eq!(hostel.count("movement").await, out);
    versions_are_whole(&hostel).await;
}
