//! Scans that are not certain: the guard has the word, once.

use chrono::Duration;
use futures_util::future;
use kit::{Fault, fault::Kind};
use proto::{
    attendance::{
        ConfirmScanRequest, Factor, GetScanRequest, ListAwaitingRequest, RefuseScanRequest, ScanRecord, ScanStatus,
    },
    options::Role,
};
use serde_json::json;

use crate::{
    gate::{Gate, Pupil, told},
    roll_call::{RollCall, about, ids, refused, request, scan},
};

/// A student scans from where nobody can say whether it is near enough; the scan's id.
async fn uncertain(gate: &Gate, call: &RollCall, pupil: &Pupil) -> String {
    let answer = scan(gate, pupil, request(&call.code_now(gate), about(5.0, 10.0)))
        .await
        .unwrap();
    assert_eq!(
        (answer.attendance_marked, answer.status()),
        (false, ScanStatus::AwaitingConfirmation)
    );
    answer.scan_id
}

async fn confirm(gate: &Gate, id: &str) -> Result<ScanRecord, Fault> {
    let request = gate.by_guard(ConfirmScanRequest { id: id.to_owned() });
    told(gate.scans().confirm_scan(request).await)
}

async fn refuse(gate: &Gate, id: &str) -> Result<ScanRecord, Fault> {
    let request = gate.by_guard(RefuseScanRequest { id: id.to_owned() });
    told(gate.scans().refuse_scan(request).await)
}

async fn waiting(gate: &Gate, call: &RollCall) -> Vec<ScanRecord> {
    let list = ListAwaitingRequest {
        id: call.id.to_string(),
        ..ListAwaitingRequest::default()
    };
    told(gate.scans().list_awaiting(gate.by_guard(list)).await)
        .unwrap()
        .scans
}

async fn own(gate: &Gate, pupil: &Pupil, id: &str) -> ScanRecord {
    let request = gate.by_student(pupil, GetScanRequest { id: id.to_owned() });
    told(gate.scans().get_scan(request).await).unwrap()
}

#[tokio::test]
async fn a_confirmed_scan_becomes_a_mark() {
    let gate = Gate::open().await;
    let asha = gate.student(1, "A", 1).await;
    let call = RollCall::open(&gate).await;
    let id = uncertain(&gate, &call, &asha).await;
    assert_eq!(call.mark_of(&gate, &asha).await, None);
    assert_eq!(own(&gate, &asha, &id).await.status(), ScanStatus::AwaitingConfirmation);
    let confirmed = confirm(&gate, &id).await.unwrap();
    assert_eq!(confirmed.status(), ScanStatus::Present);
    assert_eq!(confirmed.decided_by, Some(gate.guard.to_string()));
    let factors: Vec<_> = confirmed
        .evidence
        .iter()
        .map(proto::attendance::Evidence::factor)
        .collect();
    assert_eq!(factors, [Factor::Qr, Factor::Guard]);
    assert_eq!(own(&gate, &asha, &id).await, confirmed);
    assert_eq!(call.mark_of(&gate, &asha).await.unwrap(), "present guard");
    let changes = "SELECT COALESCE(\"before\", 'none') || ' ' || \"after\" || ' ' || source AS text FROM mark_change";
    assert_eq!(gate.rows(changes).await, ["none present guard"]);
    let (decided, marked) = (gate.told("scan.decided").await, gate.told("attendance.marked").await);
    assert_eq!((decided.len(), marked.len()), (1, 1));
    assert_eq!((&decided[0]["version"], &marked[0]["version"]), (&json!(2), &json!(3)));
    assert_eq!(decided[0]["data"]["status"], "present");
    assert_eq!(marked[0]["data"]["marks"][0]["source"], "guard");
    assert_eq!(
        gate.rows("SELECT CAST(version AS TEXT) AS text FROM session").await,
        ["3"]
    );
    assert_eq!(refused(&gate, &asha, call.at_display(&gate)).await, "ALREADY_MARKED");
}

#[tokio::test]
async fn a_refused_scan_marks_nobody_and_bars_no_other() {
    let gate = Gate::open().await;
    let asha = gate.student(1, "A", 1).await;
    let call = RollCall::open(&gate).await;
    let id = uncertain(&gate, &call, &asha).await;
    let no = refuse(&gate, &id).await.unwrap();
    assert_eq!(
        (no.status(), no.code.as_deref()),
        (ScanStatus::Refused, Some("REFUSED_BY_GUARD"))
    );
    assert_eq!(own(&gate, &asha, &id).await, no);
    assert_eq!(call.mark_of(&gate, &asha).await, None);
    assert_eq!(gate.told("scan.decided").await[0]["data"]["status"], "refused");
    assert!(waiting(&gate, &call).await.is_empty());
    let again = uncertain(&gate, &call, &asha).await;
    assert_ne!(again, id);
    assert_eq!(ids(&waiting(&gate, &call).await), [again.as_str()]);
}

#[tokio::test]
async fn the_guard_is_asked_once_of_a_student() {
    let gate = Gate::open().await;
    let (asha, ben) = (gate.student(1, "A", 1).await, gate.student(2, "A", 1).await);
    let call = RollCall::open(&gate).await;
    let first = uncertain(&gate, &call, &asha).await;
    gate.world.clock.advance(Duration::seconds(5));
    assert_eq!(uncertain(&gate, &call, &asha).await, first);
    let of_ben = uncertain(&gate, &call, &ben).await;
    assert_eq!(ids(&waiting(&gate, &call).await), [first.as_str(), of_ben.as_str()]);
    // Ben comes nearer: there is nothing to ask any more.
    assert!(
        scan(&gate, &ben, call.at_display(&gate))
            .await
            .unwrap()
            .attendance_marked
    );
    assert_eq!(ids(&waiting(&gate, &call).await), [first.as_str()]);
    confirm(&gate, &of_ben).await.unwrap();
    assert_eq!(call.mark_of(&gate, &ben).await.unwrap(), "present scan");
    assert_eq!(gate.told("attendance.marked").await.len(), 1);
}

#[tokio::test]
async fn many_uncertain_scans_at_once_are_one_question() {
    let gate = Gate::open().await;
    let asha = gate.student(1, "A", 1).await;
    let call = RollCall::open(&gate).await;
    let ids = future::join_all((0..20).map(|_| uncertain(&gate, &call, &asha))).await;
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(gate.count("awaiting").await, 1);
}

#[tokio::test]
async fn what_is_decided_is_decided() {
    let gate = Gate::open().await;
    let asha = gate.student(1, "A", 1).await;
    let call = RollCall::open(&gate).await;
    let id = uncertain(&gate, &call, &asha).await;
    confirm(&gate, &id).await.unwrap();
    for again in [confirm(&gate, &id).await, refuse(&gate, &id).await] {
        let fault = again.unwrap_err();
        assert_eq!((fault.kind, fault.reason.as_ref()), (Kind::Conflict, "ALREADY_DECIDED"));
        assert_eq!(fault.details["decision"], "confirmed");
    }
    let certain = scan(&gate, &gate.student(2, "A", 1).await, call.at_display(&gate))
        .await
        .unwrap();
    let fault = confirm(&gate, &certain.scan_id).await.unwrap_err();
    assert_eq!(
        (fault.kind, fault.reason.as_ref()),
        (Kind::Conflict, "NOTHING_TO_DECIDE")
    );
}

#[tokio::test]
async fn of_many_words_at_once_one_counts() {
    let gate = Gate::open().await;
    let call = RollCall::open(&gate).await;
    for number in 0..5 {
        let pupil = gate.student(number, "A", 1).await;
        let id = uncertain(&gate, &call, &pupil).await;
        let words = (0..8).map(async |word| match word % 2 {
            0 => confirm(&gate, &id).await,
            _ => refuse(&gate, &id).await,
        });
        let answers = future::join_all(words).await;
        let (said, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
        assert_eq!((said.len(), lost.len()), (1, 7));
        let status = said.into_iter().next().unwrap().unwrap().status();
        for fault in lost {
            assert_eq!(fault.unwrap_err().reason, "ALREADY_DECIDED");
        }
        assert_eq!(own(&gate, &pupil, &id).await.status(), status);
        let marked = call.mark_of(&gate, &pupil).await.is_some();
        assert_eq!(marked, status == ScanStatus::Present);
    }
    assert_eq!(gate.told("scan.decided").await.len(), 5);
}

#[tokio::test]
async fn only_the_guard_of_the_roll_call_and_wardens_have_the_word() {
    let gate = Gate::open().await;
    let asha = gate.student(1, "A", 1).await;
    let call = RollCall::open(&gate).await;
    let id = uncertain(&gate, &call, &asha).await;
    let request = || ConfirmScanRequest { id: id.clone() };
    let another = gate.of(gate.world.clock.new_id(), Role::Guard, request());
    assert_eq!(
        told(gate.scans().confirm_scan(another).await).unwrap_err().kind,
        Kind::Forbidden
    );
    let nobody = told(gate.scans().confirm_scan(gate.by_student(&asha, request())).await).unwrap_err();
    assert_eq!(nobody.kind, Kind::Forbidden);
    assert_eq!(
        told(gate.scans().confirm_scan(gate.by_warden(request())).await)
            .unwrap()
            .status(),
        ScanStatus::Present
    );
}

#[tokio::test]
async fn the_word_counts_until_the_roll_call_is_settled() {
    let gate = Gate::open().await;
    let (asha, ben) = (gate.student(1, "A", 1).await, gate.student(2, "A", 1).await);
    let call = RollCall::open(&gate).await;
    let (first, second) = (
        uncertain(&gate, &call, &asha).await,
        uncertain(&gate, &call, &ben).await,
    );
    call.close(&gate).await;
    call.lay_mark(&gate, &asha, "pending", "settlement").await;
    confirm(&gate, &first).await.unwrap();
    assert_eq!(call.mark_of(&gate, &asha).await.unwrap(), "present guard");
    let changes = "SELECT \"before\" || ' ' || \"after\" AS text FROM mark_change";
    assert_eq!(gate.rows(changes).await, ["pending present"]);
    gate.write("UPDATE session SET settled_at = $1", [gate.world.clock.now().into()])
        .await;
    assert_eq!(confirm(&gate, &second).await.unwrap_err().reason, "SESSION_CLOSED");
    assert_eq!(refuse(&gate, &second).await.unwrap_err().reason, "SESSION_CLOSED");
    assert_eq!(
        own(&gate, &ben, &second).await.status(),
        ScanStatus::AwaitingConfirmation
    );
}
