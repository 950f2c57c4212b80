//! The six digits beside the code.

use proto::attendance::ScanRequest;

use crate::{
    gate::Gate,
    roll_call::{RollCall, Terms, meters_north, refused, request, scan},
};

#[tokio::test]
async fn digits_do_for_a_phone_without_a_camera() {
    let gate = Gate::open().await;
    let (asha, ben) = (gate.student(1, "A", 1).await, gate.student(2, "A", 2).await);
    let call = RollCall::open(&gate).await;
    let now = gate.world.clock.now();
    let typed = |digits: String| ScanRequest {
        otp: Some(digits),
        ..request("", meters_north(0.0))
    };
    assert_eq!(
        refused(&gate, &asha, typed(call.wrong_digits(now, 0))).await,
        "OTP_INVALID"
    );
    let answer = scan(&gate, &asha, typed(call.digits(now))).await.unwrap();
    assert_eq!(
        (answer.attendance_marked, answer.session_id),
        (true, call.id.to_string())
    );
    // A student whose block and year have no roll call.
    assert_eq!(refused(&gate, &ben, typed(call.digits(now))).await, "SESSION_CLOSED");
    let kept = gate
        .rows("SELECT evidence AS text FROM scan WHERE outcome = 'marked'")
        .await;
    assert_eq!(
        kept,
        [r#"[{"factor":"proximity","strength":0.5},{"factor":"otp","strength":0.4}]"#]
    );
}

#[tokio::test]
async fn digits_are_guessed_five_times() {
    let gate = Gate::open().await;
    let (asha, ben) = (gate.student(1, "A", 1).await, gate.student(2, "A", 1).await);
    let call = RollCall::open(&gate).await;
    let now = gate.world.clock.now();
    let typed = |digits: String| ScanRequest {
        otp: Some(digits),
        ..request("", meters_north(0.0))
    };
    let guesses = (0..20).map(|number| refused(&gate, &asha, typed(call.wrong_digits(now, number))));
    let reasons = futures_util::future::join_all(guesses).await;
    assert!(reasons.iter().all(|reason| reason == "OTP_INVALID"), "{reasons:?}");
    assert_eq!(refused(&gate, &asha, typed(call.digits(now))).await, "OTP_INVALID");
    assert!(
        scan(&gate, &ben, typed(call.digits(now)))
            .await
            .unwrap()
            .attendance_marked
    );
    // The code itself cannot be guessed, and still serves; nor is it a guess to send none.
    assert!(
        scan(&gate, &asha, call.at_display(&gate))
            .await
            .unwrap()
            .attendance_marked
    );
}

#[tokio::test]
async fn to_send_no_digits_is_no_guess() {
    let gate = Gate::open().await;
    let asha = gate.student(1, "A", 1).await;
    let terms = Terms {
        require: r#"["qr","otp"]"#,
        ..Terms::default()
    };
    let call = RollCall::open_on(&gate, "A", 1, terms).await;
    for _ in 0..6 {
        assert_eq!(refused(&gate, &asha, call.at_display(&gate)).await, "OTP_INVALID");
    }
    let both = ScanRequest {
        otp: Some(call.digits(gate.world.clock.now())),
        ..call.at_display(&gate)
    };
    assert!(scan(&gate, &asha, both).await.unwrap().attendance_marked);
}
