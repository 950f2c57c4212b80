//! Asking for a leave.

use kit::access::metadata;
use leave::{Config, Types, domain::Rules};
use proto::leave::{GuardianState, LeaveState, LeaveType, RequestLeaveRequest};

use crate::hostel::{Hostel, reason, told, wrong_fields};

#[tokio::test]
async fn a_leave_is_asked_for_and_told_as_it_is() {
    let hostel = Hostel::open().await;
    let asha = hostel.student(1, "A").await;
    let request = RequestLeaveRequest {
        extra_details: Some(" My sister's wedding\n".to_owned()),
        ..hostel.home(3, 9)
    };
    let asked = hostel.ask(&asha, request).await.unwrap();
    assert_eq!(
        (asked.status(), asked.leave_type()),
        (LeaveState::Pending, LeaveType::Home)
    );
    assert_eq!((asked.days, asked.to_date.as_str()), (7, asked.asked_to_date.as_str()));
    assert_eq!(asked.place_of_visit, "Pune");
    assert_eq!(asked.extra_details.as_deref(), Some("My sister's wedding"));
    assert_eq!(
        (asked.approvers.as_slice(), asked.waits_for.as_deref()),
        (&["warden".to_owned()][..], Some("warden"))
    );
    assert_eq!(asked.guardian.as_ref().unwrap().state(), GuardianState::None);
    let student = asked.student.as_ref().unwrap();
    assert_eq!(
        (student.name.as_str(), student.block.as_deref()),
        ("Student 1", Some("A"))
    );
    assert_eq!(
        (asked.has_document, asked.document_required, asked.retroactive),
        (false, false, false)
    );
    let events = hostel.told("leave.requested").await;
    assert_eq!(
        (events.len(), &events[0]["data"]["leave"]["state"]),
        (1, &"pending".into())
    );
    assert_eq!(events[0]["version"], 1);
    let said = events[0].to_string();
    assert!(!said.contains("Pune") && !said.contains("9876543210"), "{said}");
}

#[tokio::test]
async fn two_leaves_have_no_day_in_common_whatever_became_of_one_decides() {
    let hostel = Hostel::open().await;
    let (asha, bilal) = (hostel.student(1, "A").await, hostel.student(2, "A").await);
    let first = hostel.ask(&asha, hostel.home(3, 9)).await.unwrap();
    for (from, to) in [(3, 9), (9, 12), (1, 3), (5, 6), (1, 20)] {
        let refused = hostel.ask(&asha, hostel.home(from, to)).await.unwrap_err();
        assert_eq!((refused.reason.as_ref(), refused.kind.http()), ("LEAVE_OVERLAP", 409));
        assert_eq!(refused.details["leave_id"], first.id);
        assert_eq!(refused.details["from_date"], first.from_date);
        assert_eq!(refused.details["to_date"], first.to_date);
    }
    hostel.ask(&asha, hostel.home(10, 12)).await.unwrap();
    hostel.ask(&bilal, hostel.home(3, 9)).await.unwrap();
    // Rejected or taken back, its days are free; granted they are not.
    hostel.reject(&first.id).await.unwrap();
    let second = hostel.ask(&asha, hostel.home(4, 8)).await.unwrap();
    hostel.approve(&second.id).await.unwrap();
    assert_eq!(reason(hostel.ask(&asha, hostel.home(8, 9)).await), "LEAVE_OVERLAP");
    hostel.cancel(&asha, &second.id).await.unwrap();
    hostel.ask(&asha, hostel.home(3, 9)).await.unwrap();
    assert_eq!(hostel.count("leave_day").await, 7 + 3 + 7);
}

#[tokio::test]
async fn the_past_is_for_those_who_say_so_and_ninety_days_are_the_most() {
    let hostel = Hostel::open().await;
    let asha = hostel.student(1, "A").await;
    let yesterday = RequestLeaveRequest {
        from_date: hostel.days_ago(1).to_string(),
        ..hostel.home(0, 1)
    };
    assert_eq!(wrong_fields(hostel.ask(&asha, yesterday.clone()).await), ["from_date"]);
    let late = RequestLeaveRequest {
        retroactive: Some(true),
        ..yesterday.clone()
    };
    assert!(hostel.ask(&asha, late).await.unwrap().retroactive);
    // Whoever says so and means tomorrow asks like anybody else.
    let eager = RequestLeaveRequest {
        retroactive: Some(true),
        ..hostel.home(2, 2)
    };
    assert!(!hostel.ask(&asha, eager).await.unwrap().retroactive);
    let long_ago = RequestLeaveRequest {
        from_date: hostel.days_ago(367).to_string(),
        to_date: hostel.days_ago(360).to_string(),
        retroactive: Some(true),
        ..yesterday
    };
    assert_eq!(wrong_fields(hostel.ask(&asha, long_ago).await), ["from_date"]);
    assert_eq!(wrong_fields(hostel.ask(&asha, hostel.home(5, 95)).await), ["to_date"]);
    assert_eq!(wrong_fields(hostel.ask(&asha, hostel.home(5, 4)).await), ["to_date"]);
    assert_eq!(hostel.ask(&asha, hostel.home(5, 94)).await.unwrap().days, 90);
}

#[tokio::test]
async fn today_is_the_hostels_day() {
    let hostel = Hostel::open().await;
    let asha = hostel.student(1, "A").await;
    // The clock stands at 11:06 UTC, which is 16:36 in India.
    let today = hostel.in_days(0);
    hostel.world.clock.advance(chrono::Duration::hours(8));
    // The same day still in Greenwich, past midnight there.
    let request = RequestLeaveRequest {
        from_date: today.to_string(),
        to_date: today.to_string(),
        ..hostel.home(0, 0)
    };
    assert_eq!(wrong_fields(hostel.ask(&asha, request).await), ["from_date"]);
    hostel.ask(&asha, hostel.home(0, 0)).await.unwrap();
}

fn with_home(rules: Rules) -> Config {
    Config {
        types: Types {
            home: rules,
            ..Types::default()
        },
        ..Config::default()
    }
}

#[tokio::test]
async fn each_kind_has_rules_of_its_own() {
    let strict = Rules {
        max_days: 5,
        notice_hours: 48,
        retroactive: false,
        ..Rules::default()
    };
    let hostel = Hostel::open_with(with_home(strict)).await;
    let asha = hostel.student(1, "A").await;
    let long = hostel.ask(&asha, hostel.home(4, 9)).await.unwrap_err();
    assert_eq!(
        (long.reason.as_ref(), &long.details["max_days"]),
        ("LEAVE_TOO_LONG", &5.into())
    );
    assert_eq!(long.kind.http(), 422);
    let soon = hostel.ask(&asha, hostel.home(1, 2)).await.unwrap_err();
    assert_eq!(
        (soon.reason.as_ref(), &soon.details["notice_hours"]),
        ("NOTICE_TOO_SHORT", &48.into())
    );
    let late = RequestLeaveRequest {
        from_date: hostel.days_ago(2).to_string(),
        retroactive: Some(true),
        ..hostel.home(0, 0)
    };
    assert_eq!(reason(hostel.ask(&asha, late.clone()).await), "NOT_RETROACTIVE");
    // Another kind asks for none of that.
    let medical = RequestLeaveRequest {
        leave_type: "medical".to_owned(),
        ..late
    };
    hostel.ask(&asha, medical).await.unwrap();
    hostel.ask(&asha, hostel.home(4, 8)).await.unwrap();
    assert_eq!(hostel.count("leave").await, 2, "nothing stays of what was refused");
    assert_eq!(hostel.count("leave_day").await, 3 + 5);
}

#[tokio::test]
async fn the_same_request_again_is_the_same_leave() {
    let hostel = Hostel::open().await;
    let asha = hostel.student(1, "A").await;
    let ask = async || {
        let mut request = hostel.by_student(&asha, hostel.home(3, 9));
        let key = "b5c2e2f0-1f0a-4c4e-9a70-6f1f4a3f9d01".parse().unwrap();
        request.metadata_mut().insert(metadata::IDEMPOTENCY_KEY, key);
        told(hostel.requests().request_leave(request).await)
    };
    let first = ask().await.unwrap();
    assert_eq!(ask().await.unwrap(), first);
    assert_eq!(hostel.count("leave").await, 1);
    assert_eq!(hostel.told("leave.requested").await.len(), 1);
}

#[tokio::test]
async fn the_same_request_past_midnight_is_still_the_same_leave() {
    let hostel = Hostel::open().await;
    let asha = hostel.student(1, "A").await;
    let today = hostel.home(0, 1);
    let ask = async || {
        let mut request = hostel.by_student(&asha, today.clone());
        let key = "5a0d6c5e-51c8-4f0a-9d0e-0d6a3b6a1c77".parse().unwrap();
        request.metadata_mut().insert(metadata::IDEMPOTENCY_KEY, key);
        told(hostel.requests().request_leave(request).await)
    };
    let first = ask().await.unwrap();
    hostel.world.clock.advance(chrono::Duration::hours(8));
    assert_eq!(
        wrong_fields(hostel.ask(&asha, today.clone()).await),
        ["from_date"],
        "asked anew it begins too early"
    );
    assert_eq!(ask().await.unwrap(), first);
    assert_eq!(hostel.count("leave").await, 1);
}
