//! Deciding on leaves.

use leave::{
    Config, Types,
    domain::{Approver, Rules},
};
use proto::leave::{ApproveLeaveRequest, LeaveState, RejectLeaveRequest};

use crate::hostel::{Hostel, reason, told, wrong_fields};

#[tokio::test]
async fn a_decision_is_told_with_its_comments_and_is_the_last() {
    let hostel = Hostel::open().await;
    let asha = hostel.student(1, "A").await;
    let asked = hostel.ask(&asha, hostel.home(3, 9)).await.unwrap();
    let approval = ApproveLeaveRequest {
        id: asked.id.clone(),
        comments: Some("Greet your parents".to_owned()),
        without_guardian: None,
    };
    let granted = told(hostel.decisions().approve_leave(hostel.by_warden(approval)).await).unwrap();
    assert_eq!(
        (granted.status(), granted.waits_for.clone()),
        (LeaveState::Approved, None)
    );
    let decision = &granted.decisions[0];
    assert_eq!(
        (decision.step, decision.verdict.as_str(), decision.role.as_str()),
        (1, "approved", "warden")
    );
    assert_eq!(decision.comments.as_deref(), Some("Greet your parents"));
    assert_eq!(decision.decided_by, hostel.warden.to_string());
    assert_eq!(granted.decided_at, decision.decided_at);
    for again in [hostel.approve(&asked.id).await, hostel.reject(&asked.id).await] {
        let refused = again.unwrap_err();
        assert_eq!((refused.reason.as_ref(), refused.kind.http()), ("ALREADY_DECIDED", 409));
        assert_eq!(refused.details["status"], "approved");
        assert_eq!(refused.details["decided_by"], hostel.warden.to_string());
        assert!(refused.details.contains_key("decided_at"));
    }
    let events = hostel.told("leave.approved").await;
    assert_eq!((events.len(), &events[0]["version"]), (1, &2.into()));
    assert!(!events[0].to_string().contains("Greet"));
}

#[tokio::test]
async fn whoever_rejects_says_why() {
    let hostel = Hostel::open().await;
    let asha = hostel.student(1, "A").await;
    let asked = hostel.ask(&asha, hostel.home(3, 9)).await.unwrap();
    for comments in ["", " \n"] {
        let silent = RejectLeaveRequest {
            id: asked.id.clone(),
            comments: comments.to_owned(),
        };
        let answer = told(hostel.decisions().reject_leave(hostel.by_warden(silent)).await);
        assert_eq!(wrong_fields(answer), ["comments"]);
    }
    let rejected = hostel.reject(&asked.id).await.unwrap();
    assert_eq!(rejected.status(), LeaveState::Rejected);
    assert_eq!(
        rejected.decisions[0].comments.as_deref(),
        Some("The examinations begin")
    );
    assert_eq!(hostel.told("leave.rejected").await.len(), 1);
    let unknown = hostel.world.clock.new_id().to_string();
    assert_eq!(reason(hostel.approve(&unknown).await), "NOT_FOUND");
}

#[tokio::test]
async fn a_chain_is_walked_step_by_step() {
    let config = Config {
        types: Types {
            home: Rules {
                approvers: vec![Approver::Warden, Approver::Admin],
                ..Rules::default()
            },
            ..Types::default()
        },
        ..Config::default()
    };
    let hostel = Hostel::open_with(config).await;
    let asha = hostel.student(1, "A").await;
    let asked = hostel.ask(&asha, hostel.home(3, 9)).await.unwrap();
    let half = hostel.approve(&asked.id).await.unwrap();
    assert_eq!(
        (half.status(), half.waits_for.as_deref()),
        (LeaveState::Pending, Some("admin"))
    );
    let again = hostel.approve(&asked.id).await.unwrap_err();
    assert_eq!(
        (again.reason.as_ref(), &again.details["waits_for"]),
        ("ALREADY_DECIDED", &"admin".into())
    );
    assert_eq!(reason(hostel.reject(&asked.id).await), "ALREADY_DECIDED");
    let approval = ApproveLeaveRequest {
        id: asked.id.clone(),
        ..ApproveLeaveRequest::default()
    };
    let granted = told(hostel.decisions().approve_leave(hostel.by_admin(approval)).await).unwrap();
    assert_eq!(granted.status(), LeaveState::Approved);
    let roles: Vec<_> = granted
        .decisions
        .iter()
        .map(|one| (one.step, one.role.as_str()))
        .collect();
    assert_eq!(roles, [(1, "warden"), (2, "admin")]);
    assert_eq!(hostel.told("leave.endorsed").await[0]["data"]["waits_for"], "admin");
    assert_eq!(hostel.told("leave.approved").await[0]["version"], 3);
}

#[tokio::test]
async fn passing_over_a_guardian_wants_words() {
    let hostel = Hostel::open().await;
    let asha = hostel.student(1, "A").await;
    let asked = hostel.ask(&asha, hostel.home(3, 9)).await.unwrap();
    let approval = |comments: Option<&str>| ApproveLeaveRequest {
        id: asked.id.clone(),
        comments: comments.map(str::to_owned),
        without_guardian: Some(true),
    };
    let silent = told(hostel.decisions().approve_leave(hostel.by_warden(approval(None))).await);
    assert_eq!(wrong_fields(silent), ["comments"]);
    // Where nobody was asked, nobody was passed over.
    let granted = hostel
        .decisions()
        .approve_leave(hostel.by_warden(approval(Some("Called them"))))
        .await;
    assert!(!told(granted).unwrap().decisions[0].without_guardian);
}
