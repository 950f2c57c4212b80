//! Scans that a device signed while it was offline: when they can have been made.

use chrono::{DateTime, Duration, Utc};
use kit::clock::timestamp;
use proto::attendance::{ScanRequest, SyncOutcome, SyncResult};

use crate::{
    gate::{Gate, Pupil},
    phone::Phone,
    roll_call::{RollCall, Terms, meters_north, scan, sync},
};

/// A roll call that takes only what a device signed, half an hour after it began.
struct Late {
    gate: Gate,
    asha: Pupil,
    phone: Phone,
    call: RollCall,
}

impl Late {
    async fn begin() -> Self {
        let gate = Gate::open().await;
        let asha = gate.student(1, "A", 1).await;
        let phone = Phone::register(&gate, &asha, 1).await;
        let terms = Terms {
            require: r#"["qr","proximity","device"]"#,
            ..Terms::default()
        };
        let call = RollCall::open_on(&gate, "A", 1, terms).await;
        gate.world.clock.advance(Duration::minutes(30));
        Self {
            gate,
            asha,
            phone,
            call,
        }
    }

    fn at(&self, minutes: i64) -> DateTime<Utc> {
        self.call.opened_at + Duration::minutes(minutes)
    }

    /// The code of so many minutes after the beginning, signed then.
    fn signed(&self, minutes: i64, counter: u64) -> ScanRequest {
        let at = self.at(minutes);
        self.phone.sign(self.call.offline(at), counter, at)
    }

    /// The same by a phone that had heard from the server so long after the scan.
    fn knowing(&self, minutes: i64, counter: u64, after: Duration) -> ScanRequest {
        let at = self.at(minutes);
        let scan = ScanRequest {
            server_time: Some(timestamp(at + after)),
            ..self.call.offline(at)
        };
        self.phone.sign(scan, counter, at)
    }

    async fn sync(&self, scans: Vec<ScanRequest>) -> Vec<String> {
        said(&sync(&self.gate, &self.asha, scans).await)
    }
}

/// What came of each: why it was refused, or `marked`, or `already`.
fn said(results: &[SyncResult]) -> Vec<String> {
    let word = |result: &SyncResult| match result.outcome() {
        SyncOutcome::Marked => "marked".to_owned(),
        SyncOutcome::AlreadyMarked => "already".to_owned(),
        _ => result.code.clone().unwrap_or_default(),
    };
    results.iter().map(word).collect()
}

#[tokio::test]
async fn what_a_device_signed_offline_counts_as_signed() {
    let late = Late::begin().await;
    let unsigned = late.call.offline(late.at(4));
    let named = ScanRequest {
        device_id: Some(late.phone.id.clone()),
        counter: Some(3),
        ..unsigned.clone()
    };
    let moved = ScanRequest {
        location: Some(meters_north(0.5)),
        ..late.signed(6, 4)
    };
    let sent = vec![unsigned, named, moved, late.signed(10, 5)];
    let expected = ["DEVICE_MISMATCH", "DEVICE_MISMATCH", "DEVICE_MISMATCH", "marked"];
    assert_eq!(late.sync(sent.clone()).await, expected);
    assert_eq!(late.sync(sent).await, expected, "and so again");
    let mark = late.call.mark_of(&late.gate, &late.asha).await;
    assert_eq!(mark.as_deref(), Some("present offline"));
    let evidence = late
        .gate
        .rows("SELECT evidence AS text FROM scan WHERE outcome = 'marked'")
        .await;
    assert!(
        evidence[0].contains(r#"{"factor":"device","strength":0.9}"#),
        "{evidence:?}"
    );
    assert_eq!(late.phone.shown(&late.gate, &late.asha).await.counter, 5);
}

#[tokio::test]
async fn a_clock_that_was_set_back_is_found_out() {
    let late = Late::begin().await;
    let results = late.sync(vec![
        late.knowing(10, 1, Duration::seconds(61)),
        late.knowing(11, 2, Duration::minutes(15)),
        late.knowing(12, 3, Duration::seconds(60)),
    ]);
    assert_eq!(results.await, ["DEVICE_MISMATCH", "DEVICE_MISMATCH", "marked"]);
}

#[tokio::test]
async fn counters_and_times_go_together_in_one_sending() {
    let late = Late::begin().await;
    let results = late.sync(vec![
        late.signed(20, 1),
        late.signed(10, 2),
        late.signed(12, 2),
        late.signed(15, 3),
    ]);
    // By time: the second, then one with its counter, one in order, and one whose counter was earlier.
    assert_eq!(
        results.await,
        ["DEVICE_MISMATCH", "marked", "DEVICE_MISMATCH", "already"]
    );
}

/// What the phone signed online is a stamp of the server: what is said to be of before has a lower counter.
#[tokio::test]
async fn counters_and_times_go_together_with_what_came_in_before() {
    let late = Late::begin().await;
    let now = late.gate.world.clock.now();
    late.call.close(&late.gate).await;
    let next = RollCall::open(&late.gate).await;
    let online = late.phone.sign(next.at_display(&late.gate), 9, now);
    assert!(scan(&late.gate, &late.asha, online).await.unwrap().attendance_marked);
    assert_eq!(late.sync(vec![late.signed(10, 10)]).await, ["DEVICE_MISMATCH"]);
    assert_eq!(late.sync(vec![late.signed(11, 9)]).await, ["DEVICE_MISMATCH"]);
    assert_eq!(late.sync(vec![late.signed(12, 8)]).await, ["marked"]);
    // A counter moves on and never back.
    assert_eq!(late.phone.shown(&late.gate, &late.asha).await.counter, 9);
}

#[tokio::test]
async fn a_late_scan_spends_its_counter_whatever_it_is_refused_for() {
    let late = Late::begin().await;
    let far = ScanRequest {
        location: Some(meters_north(80.0)),
        ..late.call.offline(late.at(5))
    };
    let far = late.phone.sign(far, 1, late.at(5));
    let sent = vec![far, late.signed(6, 1), late.signed(7, 2)];
    let expected = ["LOCATION_MISMATCH", "DEVICE_MISMATCH", "marked"];
    assert_eq!(late.sync(sent.clone()).await, expected);
    assert_eq!(late.sync(sent).await, expected, "and so again");
}

/// The scans of a device are held against one another, however many sendings they come in.
#[tokio::test]
async fn of_sendings_at_once_one_uses_a_counter() {
    let late = Late::begin().await;
    let scans = (0..8).map(|seconds| {
        let at = late.at(5) + Duration::seconds(seconds);
        late.phone.sign(late.call.offline(at), 1, at)
    });
    let sendings = scans.map(|scan| late.sync(vec![scan]));
    let mut results = futures_util::future::join_all(sendings).await.concat();
    results.sort_unstable();
    assert_eq!(results.pop().as_deref(), Some("marked"));
    assert_eq!(results, ["DEVICE_MISMATCH"; 7]);
}

/// The same counter and the same time, but another code: not the same scan.
#[tokio::test]
async fn another_scan_of_the_same_moment_needs_a_counter_of_its_own() {
    let late = Late::begin().await;
    let at = late.at(5);
    let first = late.signed(5, 1);
    let elsewhere = ScanRequest {
        location: Some(meters_north(0.5)),
        ..late.call.offline(at)
    };
    let second = late.phone.sign(elsewhere, 1, at);
    assert_eq!(late.sync(vec![first.clone()]).await, ["marked"]);
    assert_eq!(late.sync(vec![second]).await, ["DEVICE_MISMATCH"]);
    assert_eq!(
        late.sync(vec![first]).await,
        ["marked"],
        "what was marked is, however often it is sent"
    );
}

/// A phone that lost the answer, and with it the network, sends the scan once more when it is back.
#[tokio::test]
async fn what_was_scanned_online_may_be_sent_late_as_well() {
    let late = Late::begin().await;
    let now = late.gate.world.clock.now();
    late.call.close(&late.gate).await;
    let next = RollCall::open(&late.gate).await;
    let online = late.phone.sign(next.at_display(&late.gate), 1, now);
    assert!(
        scan(&late.gate, &late.asha, online.clone())
            .await
            .unwrap()
            .attendance_marked
    );
    late.gate.world.clock.advance(Duration::minutes(30));
    assert_eq!(late.sync(vec![online]).await, ["already"]);
}
