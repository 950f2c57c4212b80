//! Requests that this service checks itself: what breaks a rule of their fields is refused, with everything else that is wrong.

use kit::testing::{broken, checked_by_service};
use proto::leave::{ApproveLeaveRequest, RequestLeaveRequest};

use crate::hostel::{Hostel, told, wrong_fields};

#[tokio::test]
async fn no_request_breaks_a_rule_of_its_fields() {
    let hostel = Hostel::open().await;
    let asha = hostel.student(1, "A").await;
    let valid = RequestLeaveRequest {
        extra_details: Some("A wedding".to_owned()),
        retroactive: Some(false),
        ..hostel.home(1, 3)
    };
    let all = broken(&valid);
    assert!(all.len() > 100, "{} requests", all.len());
    for one in all {
        let fields = wrong_fields(hostel.ask(&asha, one.request.clone()).await);
        assert_eq!(fields, [one.field.as_str()], "{one:?}");
    }
    hostel.ask(&asha, valid).await.unwrap();
    assert_eq!(hostel.count("leave").await, 1);
}

#[tokio::test]
async fn no_approval_breaks_a_rule_of_its_fields() {
    let hostel = Hostel::open().await;
    let asha = hostel.student(1, "A").await;
    let asked = hostel.ask(&asha, hostel.home(1, 3)).await.unwrap();
    let valid = ApproveLeaveRequest {
        id: asked.id,
        comments: Some("Yes".to_owned()),
        without_guardian: Some(false),
    };
    for one in broken(&valid) {
        let answer = told(
            hostel
                .decisions()
                .approve_leave(hostel.by_warden(one.request.clone()))
                .await,
        );
        assert_eq!(wrong_fields(answer), [one.field.as_str()], "{one:?}");
    }
    told(hostel.decisions().approve_leave(hostel.by_warden(valid)).await).unwrap();
}

#[tokio::test]
async fn all_that_is_wrong_is_one_answer() {
    let hostel = Hostel::open().await;
    let asha = hostel.student(1, "A").await;
    let wrong = RequestLeaveRequest {
        leave_type: "party".to_owned(),
        from_date: hostel.days_ago(3).to_string(),
        to_date: hostel.days_ago(4).to_string(),
        place_of_visit: String::new(),
        parent_phone: "12345".to_owned(),
        extra_details: Some("\u{0}".to_owned()),
        retroactive: None,
    };
    let fields = wrong_fields(hostel.ask(&asha, wrong).await);
    let all = [
        "leave_type",
        "from_date",
        "to_date",
        "place_of_visit",
        "parent_phone",
        "extra_details",
    ];
    assert_eq!(fields, all);
}

/// Whoever adds one adds a test like those above.
#[test]
fn every_request_that_this_service_checks_is_tested() {
    let mut checked = checked_by_service("hostelpulse.leave.v1");
    checked.sort();
    assert_eq!(
        checked,
        ["ApproveLeaveRequest", "ExtendLeaveRequest", "RequestLeaveRequest"]
    );
}
