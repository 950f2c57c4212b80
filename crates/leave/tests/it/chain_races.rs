//! Many at once, where a leave has several approvers: one takes the step, the others are told who did.

use futures_util::future::join_all;
use kit::Fault;
use leave::{
    Config,
    domain::{Approver, Rules},
};
use proto::{
    leave::{ApproveLeaveRequest, Leave, LeaveState, RejectLeaveRequest},
    options::Role,
};
use uuid::Uuid;

use crate::hostel::{Hostel, reason, told};

const MANY: usize = 10;

async fn with_chain(approvers: &[Approver]) -> Hostel {
    let mut config = Config::default();
    config.types.home = Rules {
        approvers: approvers.to_vec(),
        ..Rules::default()
    };
    Hostel::open_with(config).await
}

async fn approve_as(hostel: &Hostel, (user, role): (Uuid, Role), id: &str) -> Result<Leave, Fault> {
    let approval = ApproveLeaveRequest {
        id: id.to_owned(),
        ..ApproveLeaveRequest::default()
    };
    told(hostel.decisions().approve_leave(hostel.of(user, role, approval)).await)
}

async fn reject_as(hostel: &Hostel, (user, role): (Uuid, Role), id: &str) -> Result<Leave, Fault> {
    let rejection = RejectLeaveRequest {
        id: id.to_owned(),
        comments: "No".to_owned(),
    };
    told(hostel.decisions().reject_leave(hostel.of(user, role, rejection)).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_wardens_at_once_one_takes_the_step_and_the_others_hear_who() {
    let hostel = with_chain(&[Approver::Warden, Approver::Admin]).await;
    let asha = hostel.student(1, "A").await;
    for round in 0..5 {
        let asked = hostel.ask(&asha, hostel.home(round * 3, round * 3 + 2)).await.unwrap();
        let deciding = (0..MANY).map(|number| {
            let (hostel, id) = (&hostel, asked.id.as_str());
            async move {
                let warden = (hostel.world.clock.new_id(), Role::Warden);
                let said = if number % 2 == 0 {
                    approve_as(hostel, warden, id).await
                } else {
                    reject_as(hostel, warden, id).await
                };
                (warden.0, said)
            }
        });
        let answers = join_all(deciding).await;
        let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(_, answer)| answer.is_ok());
        assert_eq!((won.len(), lost.len()), (1, MANY - 1), "{lost:?}");
        let (winner, leave) = &won[0];
        let leave = leave.as_ref().unwrap();
        for (_, answer) in lost {
            let refused = answer.unwrap_err();
            assert_eq!((refused.reason.as_ref(), refused.kind.http()), ("ALREADY_DECIDED", 409));
            assert_eq!(refused.details["decided_by"], winner.to_string());
            assert!(refused.details.contains_key("decided_at"), "{refused}");
            if leave.status() == LeaveState::Pending {
                assert_eq!(refused.details["status"], "pending");
                assert_eq!(refused.details["step"], 1);
                assert_eq!(refused.details["waits_for"], "admin");
            } else {
                assert_eq!(refused.details["status"], "rejected");
            }
        }
    }
    assert_eq!(hostel.count("decision").await, 5);
}

#[tokio::test]
async fn whose_step_was_taken_hears_it_also_later_and_whose_step_is_to_come_waits() {
    let hostel = with_chain(&[Approver::Admin, Approver::Warden, Approver::Admin]).await;
    let asha = hostel.student(1, "A").await;
    let [first, second, third] = std::array::from_fn(|_| (hostel.world.clock.new_id(), Role::Admin));
    let [warden, other] = std::array::from_fn(|_| (hostel.world.clock.new_id(), Role::Warden));
    let id = hostel.ask(&asha, hostel.home(3, 4)).await.unwrap().id;

    let early = approve_as(&hostel, warden, &id).await.unwrap_err();
    assert_eq!(
        (early.reason.as_ref(), &early.details["waits_for"]),
        ("NOT_YOUR_TURN", &"admin".into())
    );
    approve_as(&hostel, first, &id).await.unwrap();
    // Nobody takes two steps.
    assert_eq!(reason(approve_as(&hostel, first, &id).await), "NOT_YOUR_TURN");
    approve_as(&hostel, warden, &id).await.unwrap();
    for again in [
        approve_as(&hostel, other, &id).await,
        reject_as(&hostel, other, &id).await,
        approve_as(&hostel, warden, &id).await,
    ] {
        let refused = again.unwrap_err();
        assert_eq!((refused.reason.as_ref(), refused.kind.http()), ("ALREADY_DECIDED", 409));
        assert_eq!(refused.details["decided_by"], warden.0.to_string());
        assert_eq!(
            (&refused.details["step"], &refused.details["waits_for"]),
            (&2.into(), &"admin".into())
        );
    }
    let granted = approve_as(&hostel, second, &id).await.unwrap();
    assert_eq!(granted.status(), LeaveState::Approved);
    let late = approve_as(&hostel, third, &id).await.unwrap_err();
    assert_eq!(late.details["decided_by"], second.0.to_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_may_take_any_step_takes_the_one_that_waits() {
    let hostel = with_chain(&[Approver::Warden, Approver::Admin]).await;
    let asha = hostel.student(1, "A").await;
    let id = hostel.ask(&asha, hostel.home(3, 4)).await.unwrap().id;
    let deciding = (0..MANY).map(|_| {
        let (hostel, id) = (&hostel, id.as_str());
        async move {
            let admin = (hostel.world.clock.new_id(), Role::Admin);
            (admin.0.to_string(), approve_as(hostel, admin, id).await)
        }
    });
    let answers = join_all(deciding).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(_, answer)| answer.is_ok());
    assert_eq!((won.len(), lost.len()), (2, MANY - 2), "{lost:?}");
    let granting = won
        .iter()
        .find(|(_, leave)| leave.as_ref().unwrap().status() == LeaveState::Approved);
    for (_, answer) in &lost {
        let refused = answer.as_ref().unwrap_err();
        assert_eq!(refused.reason, "ALREADY_DECIDED", "{refused}");
        assert_eq!(refused.details["decided_by"], granting.unwrap().0);
    }
}
