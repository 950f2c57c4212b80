//! Scans that come late, from phones that were offline.

use chrono::{DateTime, Duration, Utc};
use kit::{clock::timestamp, fault::Kind};
use proto::attendance::{
    ConfirmScanRequest, RefuseScanRequest, ScanRequest, SyncOutcome, SyncResult, SyncScansRequest,
};
use serde_json::json;

use crate::{
    gate::{Gate, told, until},
    roll_call::{RollCall, Terms, about, meters_north, request, scan, sync},
};

const MARKED: SyncOutcome = SyncOutcome::Marked;
const ALREADY: SyncOutcome = SyncOutcome::AlreadyMarked;
const REFUSED: SyncOutcome = SyncOutcome::Refused;

fn outcomes(results: &[SyncResult]) -> Vec<SyncOutcome> {
    results.iter().map(SyncResult::outcome).collect()
}

fn codes(results: &[SyncResult]) -> Vec<&str> {
    results
        .iter()
        .map(|result| result.code.as_deref().unwrap_or(""))
        .collect()
}

fn minutes(count: i64) -> Duration {
    Duration::minutes(count)
}

/// An offline scan of a code of the time `of`, said to be of `at`.
fn said(call: &RollCall, of: DateTime<Utc>, at: DateTime<Utc>) -> ScanRequest {
    ScanRequest {
        scanned_at: Some(timestamp(at)),
        ..request(&call.code_at(of), meters_north(0.0))
    }
}

#[tokio::test]
async fn a_scan_that_comes_hours_later_marks_its_student() {
    let gate = Gate::open().await;
    let asha = gate.student(1, "A", 1).await;
    let call = RollCall::open(&gate).await;
    let at = call.opened_at + minutes(10);
    let late = call.offline(at);
    gate.world.clock.advance(minutes(29));
    call.close(&gate).await;
    call.lay_mark(&gate, &asha, "pending", "settlement").await;
    gate.world.clock.advance(Duration::hours(20));
    let results = sync(&gate, &asha, vec![late]).await;
    assert_eq!(outcomes(&results), [MARKED]);
    assert_eq!(results[0].scanned_at, Some(timestamp(at)));
    assert_eq!(results[0].session_id, Some(call.id.to_string()));
    assert_eq!(call.mark_of(&gate, &asha).await.unwrap(), "present offline");
    let changes = "SELECT \"before\" || ' ' || \"after\" || ' ' || source AS text FROM mark_change";
    assert_eq!(gate.rows(changes).await, ["pending present offline"]);
    let event = &gate.told("attendance.marked").await[0];
    assert_eq!(event["data"]["marks"][0]["source"], "offline");
    assert_eq!(event["version"], json!(3));
}

#[tokio::test]
async fn an_absence_is_taken_back_and_a_warden_s_word_is_not() {
    let gate = Gate::open().await;
    let (asha, ben, chand) = (
        gate.student(1, "A", 1).await,
        gate.student(2, "A", 1).await,
        gate.student(3, "A", 1).await,
    );
    let call = RollCall::open(&gate).await;
    gate.world.clock.advance(minutes(29));
    call.close(&gate).await;
    call.lay_mark(&gate, &asha, "absent", "settlement").await;
    call.lay_mark(&gate, &ben, "excused", "leave").await;
    call.lay_mark(&gate, &chand, "absent", "manual").await;
    let late = || call.offline(call.opened_at + minutes(1));
    let mut results = Vec::new();
    for pupil in [&asha, &ben, &chand] {
        results.extend(sync(&gate, pupil, vec![late()]).await);
    }
    assert_eq!(outcomes(&results), [MARKED, MARKED, ALREADY]);
    let events = gate.told("attendance.marked").await;
    let retracts: Vec<bool> = events
        .iter()
        .map(|event| event["data"]["marks"][0]["retracts_absence"] == json!(true))
        .collect();
    assert_eq!(retracts, [true, false]);
    assert_eq!(call.mark_of(&gate, &chand).await.unwrap(), "absent manual");
}

#[tokio::test]
async fn the_same_fifty_five_times_have_the_same_results() {
    let gate = Gate::open().await;
    let asha = gate.student(1, "A", 1).await;
    let mut scans = Vec::new();
    let mut calls = Vec::new();
    for _ in 0..5 {
        let call = RollCall::open(&gate).await;
        let from = call.opened_at;
        // The earliest comes last: the order of sending says nothing.
        scans.extend((0..4).rev().map(|number| call.offline(from + minutes(number + 1))));
        scans.push(said(&call, from + minutes(5), from + minutes(9)));
        scans.push(request("nothing", meters_north(0.0)));
        scans.push(ScanRequest {
            location: Some(about(5.0, 10.0)),
            ..call.offline(from + minutes(6))
        });
        let strange = ScanRequest {
            scanned_at: Some(timestamp(from + minutes(7))),
            ..request("nothing", meters_north(0.0))
        };
        scans.push(strange);
        scans.push(ScanRequest {
            location: Some(meters_north(900.0)),
            ..call.offline(from)
        });
        scans.push(ScanRequest {
            location: None,
            ..call.offline(from)
        });
        gate.world.clock.advance(minutes(30));
        call.close(&gate).await;
        calls.push(call);
    }
    assert_eq!(scans.len(), 50);
    let first = sync(&gate, &asha, scans.clone()).await;
    for (number, call) in calls.iter().enumerate() {
        let results = &first[number * 10..number * 10 + 10];
        assert_eq!(
            outcomes(results),
            [
                ALREADY, ALREADY, ALREADY, MARKED, REFUSED, REFUSED, ALREADY, REFUSED, REFUSED, REFUSED
            ]
        );
        let reasons = [
            "QR_EXPIRED",
            "VALIDATION_ERROR",
            "",
            "QR_INVALID",
            "LOCATION_MISMATCH",
            "VALIDATION_ERROR",
        ];
        assert_eq!(codes(&results[4..]), reasons);
        // Of those who were marked already: the first time.
        let earliest = Some(timestamp(call.opened_at + minutes(1)));
        assert!(results[..4].iter().all(|result| result.scanned_at == earliest));
    }
    assert!(
        first
            .iter()
            .enumerate()
            .all(|(index, result)| usize::try_from(result.index).unwrap() == index)
    );
    for _ in 0..4 {
        assert_eq!(sync(&gate, &asha, scans.clone()).await, first);
    }
    assert_eq!(gate.count("mark").await, 5);
    until("all five are told", async || {
        (gate.told("attendance.marked").await.len() == 5).then_some(())
    })
    .await;
    assert_eq!(gate.count("mark_change").await, 5);
}

#[tokio::test]
async fn the_code_and_the_time_agree_within_two_changes() {
    let gate = Gate::open().await;
    let asha = gate.student(1, "A", 1).await;
    let call = RollCall::open(&gate).await;
    let of = call.opened_at + minutes(10);
    gate.world.clock.advance(minutes(40));
    let off = |seconds| said(&call, of, of + Duration::seconds(seconds));
    let results = sync(&gate, &asha, vec![off(75), off(-51), off(-50), off(74)]).await;
    assert_eq!(codes(&results), ["QR_EXPIRED", "QR_EXPIRED", "", ""]);
    assert_eq!(outcomes(&results), [REFUSED, REFUSED, MARKED, ALREADY]);
}

#[tokio::test]
async fn late_has_an_end_and_the_future_is_refused() {
    let gate = Gate::open().await;
    let asha = gate.student(1, "A", 1).await;
    let call = RollCall::open(&gate).await;
    gate.world.clock.advance(minutes(10));
    let now = gate.world.clock.now();
    let results = sync(&gate, &asha, vec![said(&call, now, now + Duration::seconds(61))]).await;
    assert_eq!(codes(&results), ["QR_EXPIRED"]);
    gate.world.clock.advance(minutes(20));
    call.close(&gate).await;
    gate.world.clock.advance(Duration::hours(24) - minutes(20));
    let results = sync(
        &gate,
        &asha,
        vec![call.offline(now - Duration::seconds(1)), call.offline(now)],
    )
    .await;
    assert_eq!(codes(&results), ["QR_EXPIRED", ""]);
}

#[tokio::test]
async fn a_place_is_as_old_as_it_was_then() {
    let gate = Gate::open().await;
    let (asha, ben) = (gate.student(1, "A", 1).await, gate.student(2, "A", 1).await);
    let call = RollCall::open(&gate).await;
    gate.world.clock.advance(minutes(40));
    let at = call.opened_at + minutes(5);
    let late = |seconds| {
        let mut request = call.offline(at);
        let captured = at - Duration::seconds(seconds);
        request.location.as_mut().unwrap().captured_at = Some(timestamp(captured));
        request
    };
    assert_eq!(codes(&sync(&gate, &asha, vec![late(31)]).await), ["LOCATION_UNUSABLE"]);
    assert_eq!(outcomes(&sync(&gate, &ben, vec![late(30)]).await), [MARKED]);
}

#[tokio::test]
async fn digits_are_those_of_the_time() {
    let gate = Gate::open().await;
    let asha = gate.student(1, "A", 1).await;
    let call = RollCall::open(&gate).await;
    gate.world.clock.advance(minutes(40));
    let at = call.opened_at + minutes(5);
    let typed = |digits: String| ScanRequest {
        qr_token: String::new(),
        otp: Some(digits),
        ..call.offline(at)
    };
    let now = gate.world.clock.now();
    assert_eq!(
        codes(&sync(&gate, &asha, vec![typed(call.digits(now))]).await),
        ["OTP_INVALID"]
    );
    assert_eq!(
        outcomes(&sync(&gate, &asha, vec![typed(call.digits(at))]).await),
        [MARKED]
    );
}

#[tokio::test]
async fn who_scanned_online_is_marked_already() {
    let gate = Gate::open().await;
    let asha = gate.student(1, "A", 1).await;
    let call = RollCall::open(&gate).await;
    let online = scan(&gate, &asha, call.at_display(&gate)).await.unwrap();
    gate.world.clock.advance(minutes(1));
    let results = sync(&gate, &asha, vec![call.offline(gate.world.clock.now())]).await;
    assert_eq!(outcomes(&results), [ALREADY]);
    assert_eq!(results[0].scanned_at, online.scanned_at);
    assert_eq!(call.mark_of(&gate, &asha).await.unwrap(), "present scan");
}

#[tokio::test]
async fn an_uncertain_late_scan_is_the_guard_s_once() {
    let gate = Gate::open().await;
    let (asha, ben) = (gate.student(1, "A", 1).await, gate.student(2, "A", 1).await);
    let call = RollCall::open_on(&gate, "A", 1, Terms::default()).await;
    let at = call.opened_at + minutes(5);
    gate.world.clock.advance(minutes(29));
    call.close(&gate).await;
    let late = || ScanRequest {
        location: Some(about(5.0, 10.0)),
        ..call.offline(at)
    };
    for pupil in [&asha, &ben] {
        for _ in 0..2 {
            let results = sync(&gate, pupil, vec![late()]).await;
            assert_eq!(outcomes(&results), [SyncOutcome::AwaitingConfirmation]);
        }
    }
    assert_eq!(gate.count("awaiting").await, 2);
    let list = proto::attendance::ListAwaitingRequest {
        id: call.id.to_string(),
        ..proto::attendance::ListAwaitingRequest::default()
    };
    let waiting = told(gate.scans().list_awaiting(gate.by_guard(list)).await)
        .unwrap()
        .scans;
    let of = |pupil: &crate::gate::Pupil| {
        let found = waiting.iter().find(|scan| scan.student_id == pupil.id.to_string());
        found.unwrap().id.clone()
    };
    told(
        gate.scans()
            .confirm_scan(gate.by_guard(ConfirmScanRequest { id: of(&asha) }))
            .await,
    )
    .unwrap();
    told(
        gate.scans()
            .refuse_scan(gate.by_guard(RefuseScanRequest { id: of(&ben) }))
            .await,
    )
    .unwrap();
    assert_eq!(outcomes(&sync(&gate, &asha, vec![late()]).await), [ALREADY]);
    let no = sync(&gate, &ben, vec![late()]).await;
    assert_eq!((outcomes(&no), codes(&no)), (vec![REFUSED], vec!["REFUSED_BY_GUARD"]));
    assert_eq!(gate.count("awaiting").await, 2);
}

#[tokio::test]
async fn a_sending_has_one_to_fifty_scans() {
    let gate = Gate::open().await;
    let asha = gate.student(1, "A", 1).await;
    for count in [0, 51] {
        let scans = vec![ScanRequest::default(); count];
        let request = gate.by_student(&asha, SyncScansRequest { scans });
        assert_eq!(
            told(gate.scans().sync_scans(request).await).unwrap_err().kind,
            Kind::Validation
        );
    }
}
