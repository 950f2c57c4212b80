//! Scans that a registered device signed, held against it as they come in.

use attendance::Config;
use chrono::Duration;
use kit::{clock::timestamp, fault::Kind};
use proto::attendance::{
    ApproveDeviceRequest, Factor, FlagKind, GetScanRequest, ListFlagsRequest, RetireDeviceRequest, ScanRequest,
    ScanStatus,
};

use crate::{
    gate::{Gate, Pupil, told, until},
    phone::Phone,
    roll_call::{RollCall, Terms, about, meters_north, refused, scan},
};

/// Only what a device signed counts; the code is good for the whole time.
const DEVICE_NEEDED: Terms = Terms {
    require: r#"["qr","device"]"#,
    rotate_seconds: 0,
    radius: 2.0,
    accuracy: 0.0,
    minutes: 30,
};

/// A gate, a student, and the phone that they registered.
async fn gate_with_phone() -> (Gate, Pupil, Phone) {
    let gate = Gate::open().await;
    let asha = gate.student(1, "A", 1).await;
    let phone = Phone::register(&gate, &asha, 1).await;
    (gate, asha, phone)
}

/// What speaks for a scan.
async fn factors(gate: &Gate, id: &str) -> Vec<Factor> {
    let request = GetScanRequest { id: id.to_owned() };
    let record = told(gate.scans().get_scan(gate.by_guard(request)).await).unwrap();
    record
        .evidence
        .iter()
        .map(proto::attendance::Evidence::factor)
        .collect()
}

/// The code on display as the phone reads and signs it now.
fn signed(gate: &Gate, call: &RollCall, phone: &Phone, counter: u64) -> ScanRequest {
    phone.sign(call.at_display(gate), counter, gate.world.clock.now())
}

#[tokio::test]
async fn a_signed_scan_has_its_device_among_the_evidence() {
    let (gate, asha, phone) = gate_with_phone().await;
    let call = RollCall::open(&gate).await;
    let sent = ScanRequest {
        server_time: Some(timestamp(gate.world.clock.now() - Duration::seconds(9))),
        location: Some(about(0.0, 4.5)),
        ..call.at_display(&gate)
    };
    let answer = scan(&gate, &asha, phone.sign(sent, 1, gate.world.clock.now()))
        .await
        .unwrap();
    assert!(answer.attendance_marked);
    let expected = [Factor::Qr, Factor::Proximity, Factor::Device];
    assert_eq!(factors(&gate, &answer.scan_id).await, expected);
    assert_eq!(phone.shown(&gate, &asha).await.counter, 1);
}

#[tokio::test]
async fn what_is_not_as_it_was_signed_is_refused() {
    let (gate, asha, phone) = gate_with_phone().await;
    let ben = gate.student(2, "A", 1).await;
    let bens = Phone::register(&gate, &ben, 2).await;
    let call = RollCall::open(&gate).await;
    let good = signed(&gate, &call, &phone, 5);
    let with = |change: &dyn Fn(&mut ScanRequest)| {
        let mut request = good.clone();
        change(&mut request);
        request
    };
    let later = timestamp(gate.world.clock.now() + Duration::seconds(1));
    let wrong = [
        ("moved", with(&|scan| scan.location = Some(meters_north(0.5)))),
        ("surer", with(&|scan| scan.location = Some(about(0.0, 3.0)))),
        (
            "another code of the same slot",
            with(&|scan| scan.qr_token = call.code_now(&gate)),
        ),
        ("later", with(&|scan| scan.scanned_at = Some(later))),
        ("another counter", with(&|scan| scan.counter = Some(6))),
        ("a time of the server", with(&|scan| scan.server_time = Some(later))),
        ("no time", with(&|scan| scan.scanned_at = None)),
        ("no counter", with(&|scan| scan.counter = None)),
        ("no device", with(&|scan| scan.device_id = None)),
        ("nothing signed", with(&|scan| scan.signature = Some(String::new()))),
        ("no base64", with(&|scan| scan.signature = Some("%".repeat(88)))),
        (
            "another's key",
            with(&|scan| scan.signature = bens.sign_as_it_is(good.clone()).signature),
        ),
        ("another's phone", bens.sign_as_it_is(good.clone())),
        (
            "a device that nobody has",
            with(&|scan| scan.device_id = Some(gate.world.clock.new_id().to_string())),
        ),
    ];
    for (what, request) in wrong {
        let fault = scan(&gate, &asha, request).await.unwrap_err();
        assert_eq!(
            (fault.reason.as_ref(), fault.kind),
            ("DEVICE_MISMATCH", Kind::Refused),
            "{what}"
        );
    }
    assert_eq!(
        refused(&gate, &ben, good.clone()).await,
        "DEVICE_MISMATCH",
        "sent by another"
    );
    assert_eq!(gate.count("mark").await, 0);
    assert_eq!(gate.count("scan WHERE code = 'DEVICE_MISMATCH'").await, 15);
    // Nothing that somebody else made up takes a counter away.
    assert_eq!(phone.shown(&gate, &asha).await.counter, 0);
    assert!(scan(&gate, &asha, good).await.unwrap().attendance_marked);
}

#[tokio::test]
async fn a_scan_that_is_sent_again_is_an_answer_that_was_lost_and_then_a_replay() {
    let (gate, asha, phone) = gate_with_phone().await;
    let call = RollCall::open_on(&gate, "A", 1, DEVICE_NEEDED).await;
    let sent = signed(&gate, &call, &phone, 1);
    let first = scan(&gate, &asha, sent.clone()).await.unwrap();
    gate.world.clock.advance(Duration::seconds(59));
    assert_eq!(scan(&gate, &asha, sent.clone()).await.unwrap(), first);
    gate.world.clock.advance(Duration::seconds(1));
    assert_eq!(refused(&gate, &asha, sent).await, "DEVICE_MISMATCH");
}

/// Neither near nor far: the phone that did not hear that the guard is asked hears it when it asks again.
#[tokio::test]
async fn a_question_that_was_not_heard_is_answered_again() {
    let (gate, asha, phone) = gate_with_phone().await;
    let call = RollCall::open(&gate).await;
    let unsure = ScanRequest {
        location: Some(about(5.0, 10.0)),
        ..call.at_display(&gate)
    };
    let sent = phone.sign(unsure, 1, gate.world.clock.now());
    let first = scan(&gate, &asha, sent.clone()).await.unwrap();
    assert_eq!(first.status(), ScanStatus::AwaitingConfirmation);
    assert_eq!(scan(&gate, &asha, sent).await.unwrap(), first);
    assert_eq!(gate.count("awaiting").await, 1);
}

#[tokio::test]
async fn a_counter_is_good_for_one_scan() {
    let config = Config {
        odd_every_seconds: 1,
        ..Config::default()
    };
    let gate = Gate::open_with(config).await;
    let asha = gate.student(1, "A", 1).await;
    let phone = Phone::register(&gate, &asha, 1).await;
    let call = RollCall::open(&gate).await;
    // A key in several places: each reads a code of its own, all sign with the same counter at once.
    let tries = (0..8).map(|_| scan(&gate, &asha, signed(&gate, &call, &phone, 7)));
    let answers = futures_util::future::join_all(tries).await;
    let (marked, others): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((marked.len(), others.len()), (1, 7));
    for fault in others {
        assert_eq!(fault.unwrap_err().reason, "DEVICE_MISMATCH");
    }
    call.close(&gate).await;
    gate.world.clock.advance(Duration::seconds(25));
    let next = RollCall::open(&gate).await;
    for used in [7, 6, 1] {
        let sent = signed(&gate, &next, &phone, used);
        assert_eq!(refused(&gate, &asha, sent).await, "DEVICE_MISMATCH", "{used}");
    }
    assert!(
        scan(&gate, &asha, signed(&gate, &next, &phone, 8))
            .await
            .unwrap()
            .attendance_marked
    );
    assert_eq!(phone.shown(&gate, &asha).await.counter, 8);
    let forks = ListFlagsRequest {
        kind: Some(FlagKind::CounterFork.into()),
        ..ListFlagsRequest::default()
    };
    let flag = until("a warden's flag", async || {
        told(gate.review().list_flags(gate.by_warden(forks.clone())).await)
            .unwrap()
            .flags
            .pop()
    });
    assert_eq!(flag.await.student_ids, [asha.id.to_string()]);
}

#[tokio::test]
async fn a_scan_spends_its_counter_whatever_it_is_refused_for() {
    let (gate, asha, phone) = gate_with_phone().await;
    let call = RollCall::open(&gate).await;
    let far = ScanRequest {
        location: Some(meters_north(80.0)),
        ..call.at_display(&gate)
    };
    let far = phone.sign(far, 1, gate.world.clock.now());
    assert_eq!(refused(&gate, &asha, far).await, "LOCATION_MISMATCH");
    assert_eq!(
        refused(&gate, &asha, signed(&gate, &call, &phone, 1)).await,
        "DEVICE_MISMATCH"
    );
    assert!(
        scan(&gate, &asha, signed(&gate, &call, &phone, 2))
            .await
            .unwrap()
            .attendance_marked
    );
}

#[tokio::test]
async fn a_roll_call_that_asks_for_a_device_takes_what_one_in_use_signed() {
    let (gate, asha, phone) = gate_with_phone().await;
    let second = Phone::register(&gate, &asha, 2).await;
    let call = RollCall::open_on(&gate, "A", 1, DEVICE_NEEDED).await;
    let unsigned = call.at_display(&gate);
    let named = ScanRequest {
        device_id: Some(phone.id.clone()),
        counter: Some(1),
        ..call.at_display(&gate)
    };
    let digits = ScanRequest {
        qr_token: String::new(),
        otp: Some(call.digits(gate.world.clock.now())),
        ..call.at_display(&gate)
    };
    for (what, request) in [("nothing", unsigned), ("a name", named), ("digits", digits.clone())] {
        assert_eq!(refused(&gate, &asha, request).await, "DEVICE_MISMATCH", "{what}");
    }
    // The second waits for a warden; the first is retired.
    assert_eq!(
        refused(&gate, &asha, signed(&gate, &call, &second, 1)).await,
        "DEVICE_MISMATCH"
    );
    let retire = RetireDeviceRequest { id: phone.id.clone() };
    told(gate.devices().retire_device(gate.by_student(&asha, retire)).await).unwrap();
    assert_eq!(
        refused(&gate, &asha, signed(&gate, &call, &phone, 1)).await,
        "DEVICE_MISMATCH"
    );
    assert_eq!(gate.count("mark").await, 0);
    let approve = ApproveDeviceRequest { id: second.id.clone() };
    told(gate.devices().approve_device(gate.by_warden(approve)).await).unwrap();
    let answer = scan(&gate, &asha, second.sign(digits, 1, gate.world.clock.now()))
        .await
        .unwrap();
    assert!(answer.attendance_marked);
    let expected = [Factor::Proximity, Factor::Otp, Factor::Device];
    assert_eq!(factors(&gate, &answer.scan_id).await, expected);
}

#[tokio::test]
async fn a_counter_that_no_app_reaches_is_told_by_field() {
    let (gate, asha, phone) = gate_with_phone().await;
    let call = RollCall::open(&gate).await;
    for counter in [0, (1 << 53), u64::MAX] {
        let fault = scan(&gate, &asha, signed(&gate, &call, &phone, counter))
            .await
            .unwrap_err();
        assert_eq!(
            (fault.kind, fault.violations[0].field.as_str()),
            (Kind::Validation, "counter"),
            "{counter}"
        );
    }
    assert!(
        scan(&gate, &asha, signed(&gate, &call, &phone, (1 << 53) - 1))
            .await
            .unwrap()
            .attendance_marked
    );
}
