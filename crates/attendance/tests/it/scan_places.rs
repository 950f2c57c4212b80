//! How near is near enough, and which places say nothing.

use chrono::Duration;
use kit::clock::timestamp;
use proto::attendance::{Fix, ScanRequest, ScanStatus};
use serde_json::json;

use crate::{
    gate::Gate,
    roll_call::{RollCall, Terms, about, meters_north, request, scan},
};

#[tokio::test]
async fn nearness_has_three_outcomes() {
    let gate = Gate::open().await;
    let terms = Terms {
        accuracy: 4.0,
        ..Terms::default()
    };
    let call = RollCall::open_on(&gate, "A", 1, terms).await;
    let mut number = 0;
    let mut outcome = async |fix: Fix| {
        number += 1;
        let pupil = gate.student(number, "A", 1).await;
        scan(&gate, &pupil, request(&call.code_now(&gate), fix)).await
    };
    let far = outcome(meters_north(2.1)).await.unwrap_err();
    assert_eq!(far.reason, "LOCATION_MISMATCH");
    assert_eq!(far.details["distance_meters"], json!(2.1));
    assert_eq!(far.details["max_allowed_meters"], json!(2.0));
    assert!(outcome(meters_north(1.9)).await.unwrap().attendance_marked);
    assert!(outcome(about(1.9, 50.0)).await.unwrap().attendance_marked);
    // 2 + 1.24 · √(3² + 4²) = 8.2
    let far = outcome(about(8.3, 3.0)).await.unwrap_err();
    assert_eq!(far.details["max_allowed_meters"], json!(8.2));
    let asked = outcome(about(8.1, 3.0)).await.unwrap();
    assert_eq!(
        (asked.attendance_marked, asked.status()),
        (false, ScanStatus::AwaitingConfirmation)
    );
    assert_eq!(asked.distance_meters, Some(8.1));
    assert_eq!(gate.count("awaiting").await, 1);
}

#[tokio::test]
async fn a_place_that_says_nothing_says_why() {
    let gate = Gate::open().await;
    let asha = gate.student(1, "A", 1).await;
    let call = RollCall::open(&gate).await;
    let now = gate.world.clock.now();
    let captured = |seconds| Fix {
        captured_at: Some(timestamp(now + Duration::seconds(seconds))),
        ..meters_north(0.0)
    };
    let mocked = Fix {
        mocked: Some(true),
        ..meters_north(0.0)
    };
    let cases = [
        (about(0.0, 0.0), "accuracy_zero"),
        (about(0.0, 101.0), "accuracy_over_cap"),
        (captured(-31), "too_old"),
        (captured(61), "in_the_future"),
        (mocked, "mocked"),
    ];
    for (fix, why) in cases {
        let fault = scan(&gate, &asha, request(&call.code_now(&gate), fix))
            .await
            .unwrap_err();
        assert_eq!(
            (fault.reason.as_ref(), &fault.details["why"]),
            ("LOCATION_UNUSABLE", &json!(why))
        );
    }
    assert!(
        scan(&gate, &asha, request(&call.code_now(&gate), captured(-30)))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn where_proximity_is_not_asked_for_no_place_is_needed() {
    let gate = Gate::open().await;
    let (asha, ben) = (gate.student(1, "A", 1).await, gate.student(2, "A", 1).await);
    let terms = Terms {
        require: r#"["qr"]"#,
        ..Terms::default()
    };
    let call = RollCall::open_on(&gate, "A", 1, terms).await;
    let nowhere = ScanRequest {
        location: None,
        ..call.at_display(&gate)
    };
    let answer = scan(&gate, &asha, nowhere).await.unwrap();
    assert_eq!((answer.attendance_marked, answer.distance_meters), (true, None));
    let far = request(&call.code_now(&gate), meters_north(3000.0));
    assert!(scan(&gate, &ben, far).await.unwrap().attendance_marked);
}
