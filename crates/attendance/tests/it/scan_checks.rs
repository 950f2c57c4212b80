//! One scan at a time: what is taken, and each refusal in its order.

use chrono::Duration;
use kit::{clock::timestamp, fault::Kind};
use proto::attendance::{Fix, ScanRequest, ScanStatus};
use serde_json::json;

use crate::{
    gate::{Gate, until},
    roll_call::{RollCall, Terms, meters_north, refused, request, scan},
};

#[tokio::test]
async fn a_student_before_the_display_is_marked() {
    let gate = Gate::open().await;
    let asha = gate.student(1, "A", 1).await;
    let call = RollCall::open(&gate).await;
    let answer = scan(&gate, &asha, call.at_display(&gate)).await.unwrap();
    assert!(answer.attendance_marked);
    assert_eq!(answer.status(), ScanStatus::Present);
    assert_eq!(
        (answer.session_id, answer.student_name),
        (call.id.to_string(), asha.name.clone())
    );
    assert_eq!(answer.room_no.as_deref(), Some("A-101"));
    assert_eq!(answer.distance_meters, Some(0.0));
    assert_eq!(answer.scanned_at, Some(timestamp(gate.world.clock.now())));
    assert_eq!(call.mark_of(&gate, &asha).await.unwrap(), "present scan");
    assert_eq!(gate.rows("SELECT outcome AS text FROM scan").await, ["marked"]);
    assert_eq!(
        gate.rows("SELECT evidence AS text FROM scan").await,
        [r#"[{"factor":"qr","strength":0.8},{"factor":"proximity","strength":0.5}]"#]
    );
    let events = gate.told("attendance.marked").await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["subject"], call.id.to_string());
    assert_eq!(events[0]["version"], 2);
    assert_eq!(events[0]["data"]["marks"][0]["student_id"], asha.id.to_string());
    assert_eq!(events[0]["data"]["marks"][0]["scan_id"], answer.scan_id);
    assert_eq!(
        gate.rows("SELECT CAST(version AS TEXT) AS text FROM session").await,
        ["2"]
    );
    // Where somebody stands is told to nobody.
    assert!(!events[0].to_string().contains("latitude"));
}

/// Each request is wrong in all that is looked at later, too.
#[tokio::test]
async fn the_first_thing_that_is_wrong_is_told() {
    let gate = Gate::open().await;
    let (asha, ben) = (gate.student(1, "A", 1).await, gate.student(2, "A", 2).await);
    let terms = || Terms {
        require: r#"["qr","proximity","otp","access_point","device"]"#,
        ..Terms::default()
    };
    let call = RollCall::open_on(&gate, "A", 1, terms()).await;
    let closed = RollCall::open_on(&gate, "B", 1, terms()).await;
    closed.close(&gate).await;
    gate.world.clock.advance(Duration::seconds(60));
    let now = gate.world.clock.now();
    let sent = |code: String, location: Fix, otp: String| ScanRequest {
        otp: Some(otp),
        ..request(&code, location)
    };
    let mocked = |fix: Fix| Fix {
        mocked: Some(true),
        ..fix
    };
    let (right, wrong) = (call.digits(now), call.wrong_digits(now, 0));
    let far = mocked(meters_north(500.0));
    let tries = [
        (&ben, sent("nothing".to_owned(), far, wrong.clone()), "QR_INVALID"),
        (&ben, sent(closed.code(0), far, wrong.clone()), "QR_EXPIRED"),
        (&ben, sent(closed.code_now(&gate), far, wrong.clone()), "SESSION_CLOSED"),
        (&ben, sent(call.code_now(&gate), far, wrong.clone()), "NOT_IN_SESSION"),
        (
            &asha,
            sent(call.code_now(&gate), far, wrong.clone()),
            "LOCATION_MISMATCH",
        ),
        (
            &asha,
            sent(call.code_now(&gate), mocked(meters_north(0.0)), wrong.clone()),
            "LOCATION_UNUSABLE",
        ),
        (
            &asha,
            sent(call.code_now(&gate), meters_north(0.0), wrong),
            "OTP_INVALID",
        ),
        (&asha, request(&call.code_now(&gate), meters_north(0.0)), "OTP_INVALID"),
        (
            &asha,
            sent(call.code_now(&gate), meters_north(0.0), right),
            "ACCESS_POINT_MISMATCH",
        ),
    ];
    let mut codes = Vec::new();
    for (pupil, request, code) in tries {
        let fault = scan(&gate, pupil, request).await.unwrap_err();
        assert_eq!((fault.reason.as_ref(), fault.kind), (code, Kind::Refused));
        let missing = code == "OTP_INVALID" && codes.last() == Some(&code);
        codes.push(if missing { "OTP_MISSING" } else { code });
    }
    // Every try is kept, and none of them marked anybody.
    let kept = gate
        .rows("SELECT code AS text FROM scan WHERE outcome = 'refused' ORDER BY id")
        .await;
    assert_eq!(kept, codes);
    assert_eq!(gate.count("scan WHERE session_id IS NULL").await, 1);
    assert_eq!(gate.count("mark").await + gate.count("outbox").await, 0);
}

#[tokio::test]
async fn what_is_missing_or_no_value_is_told_by_field() {
    let gate = Gate::open().await;
    let asha = gate.student(1, "A", 1).await;
    let call = RollCall::open(&gate).await;
    let with = |change: &dyn Fn(&mut ScanRequest)| {
        let mut request = call.at_display(&gate);
        change(&mut request);
        request
    };
    let location = |change: &dyn Fn(&mut Fix)| with(&|request| change(request.location.as_mut().unwrap()));
    let cases = [
        (with(&|request| request.location = None), "location"),
        (request("unreadable", Fix::default()), "location.latitude"),
        (with(&|request| request.qr_token.clear()), "qr_token"),
        (location(&|fix| fix.latitude = Some(90.1)), "location.latitude"),
        (location(&|fix| fix.longitude = Some(-180.1)), "location.longitude"),
        (location(&|fix| fix.longitude = Some(f64::NAN)), "location.longitude"),
        (
            location(&|fix| fix.accuracy_meters = Some(-1.0)),
            "location.accuracy_meters",
        ),
        (with(&|request| request.otp = Some("12345".to_owned())), "otp"),
        (
            with(&|request| request.device_id = Some("mine".to_owned())),
            "device_id",
        ),
    ];
    for (request, field) in cases {
        let fault = scan(&gate, &asha, request).await.unwrap_err();
        assert_eq!(
            (fault.kind, fault.violations[0].field.as_str()),
            (Kind::Validation, field)
        );
    }
    let unreadable = ScanRequest {
        qr_token: "unreadable".to_owned(),
        ..ScanRequest::default()
    };
    assert_eq!(refused(&gate, &asha, unreadable).await, "VALIDATION_ERROR");
    assert_eq!(gate.count("scan").await, 0);
}

#[tokio::test]
async fn the_code_on_display_and_the_one_before_hold() {
    let gate = Gate::open().await;
    let asha = gate.student(1, "A", 1).await;
    let call = RollCall::open(&gate).await;
    let code = call.code(0);
    gate.world.clock.advance(Duration::seconds(50));
    assert_eq!(
        refused(&gate, &asha, request(&code, meters_north(0.0))).await,
        "QR_EXPIRED"
    );
    assert_eq!(
        refused(&gate, &asha, request(&call.code(3), meters_north(0.0))).await,
        "QR_EXPIRED"
    );
    let answer = scan(&gate, &asha, request(&call.code(1), meters_north(0.0))).await;
    assert!(answer.unwrap().attendance_marked);
    let kept = gate
        .rows("SELECT evidence AS text FROM scan WHERE outcome = 'marked'")
        .await;
    assert!(kept[0].contains(r#"{"factor":"qr","strength":0.7}"#));
    gate.world.clock.advance(Duration::minutes(30));
    let ben = gate.student(2, "A", 1).await;
    assert_eq!(refused(&gate, &ben, call.at_display(&gate)).await, "QR_EXPIRED");
}

#[tokio::test]
async fn a_code_that_never_changes_holds_to_the_end() {
    let gate = Gate::open().await;
    let asha = gate.student(1, "A", 1).await;
    let terms = Terms {
        rotate_seconds: 0,
        ..Terms::default()
    };
    let call = RollCall::open_on(&gate, "A", 1, terms).await;
    gate.world.clock.advance(Duration::minutes(29));
    assert!(
        scan(&gate, &asha, call.at_display(&gate))
            .await
            .unwrap()
            .attendance_marked
    );
}

#[tokio::test]
async fn the_same_code_again_gets_the_first_answer_for_a_minute() {
    let gate = Gate::open().await;
    let asha = gate.student(1, "A", 1).await;
    let call = RollCall::open(&gate).await;
    let sent = call.at_display(&gate);
    let first = scan(&gate, &asha, sent.clone()).await.unwrap();
    gate.world.clock.advance(Duration::seconds(10));
    assert_eq!(scan(&gate, &asha, sent.clone()).await.unwrap(), first);
    let another = scan(&gate, &asha, call.at_display(&gate)).await.unwrap_err();
    assert_eq!(
        (another.reason.as_ref(), another.kind),
        ("ALREADY_MARKED", Kind::Conflict)
    );
    assert_eq!(
        another.details["scanned_at"],
        json!((gate.world.clock.now() - Duration::seconds(10)).to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
    );
    // The code is off display; whoever lost the answer still hears it.
    gate.world.clock.advance(Duration::seconds(49));
    assert_eq!(scan(&gate, &asha, sent.clone()).await.unwrap(), first);
    gate.world.clock.advance(Duration::seconds(1));
    assert_eq!(refused(&gate, &asha, sent).await, "QR_EXPIRED");
    assert_eq!(gate.count("mark").await, 1);
    assert_eq!(gate.count("scan").await, 5);
}

#[tokio::test]
async fn a_warden_s_word_stands() {
    let gate = Gate::open().await;
    let asha = gate.student(1, "A", 1).await;
    let call = RollCall::open(&gate).await;
    call.lay_mark(&gate, &asha, "absent", "manual").await;
    assert_eq!(refused(&gate, &asha, call.at_display(&gate)).await, "ALREADY_MARKED");
    assert_eq!(call.mark_of(&gate, &asha).await.unwrap(), "absent manual");
}

#[tokio::test]
async fn whoever_is_not_known_is_looked_up() {
    let gate = Gate::open().await;
    let call = RollCall::open(&gate).await;
    let stranger = crate::gate::Pupil {
        id: gate.world.clock.new_id(),
        name: String::new(),
    };
    assert_eq!(
        refused(&gate, &stranger, call.at_display(&gate)).await,
        "NOT_IN_SESSION"
    );
    // Laid down a moment ago, in another block; then moved.
    let asha = gate.student(1, "B", 1).await;
    assert_eq!(refused(&gate, &asha, call.at_display(&gate)).await, "NOT_IN_SESSION");
    gate.write(
        "UPDATE student SET block_folded = 'A', version = 2, changed_at = $1 WHERE id = $2",
        [gate.world.clock.now().into(), asha.id.into()],
    )
    .await;
    assert!(
        scan(&gate, &asha, call.at_display(&gate))
            .await
            .unwrap()
            .attendance_marked
    );
}

/// Nothing tells this replica of it but the row.
#[tokio::test]
async fn what_another_replica_changed_is_seen() {
    let gate = Gate::open().await;
    let (asha, call) = (gate.student(1, "A", 1).await, RollCall::open(&gate).await);
    scan(&gate, &asha, call.at_display(&gate)).await.unwrap();
    let moved = gate.write(
        "UPDATE student SET active = FALSE, version = 2, changed_at = $1 WHERE id = $2",
        [gate.world.clock.now().into(), asha.id.into()],
    );
    assert_eq!(moved.await, 1);
    until("the change", async || {
        let reason = refused(&gate, &asha, call.at_display(&gate)).await;
        (reason == "NOT_IN_SESSION").then_some(())
    })
    .await;
}
