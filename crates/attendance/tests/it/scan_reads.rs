//! Who reads which scans.

use chrono::Duration;
use kit::fault::Kind;
use proto::{
    attendance::{GetScanRequest, ListScansRequest, ScanStatus},
    options::Role,
};

use crate::{
    gate::{Gate, told},
    roll_call::{RollCall, about, ids, meters_north, refused, request, scan},
};

#[tokio::test]
async fn a_scan_is_seen_by_whose_it_is_and_whose_the_roll_call_is() {
    let gate = Gate::open().await;
    let (asha, ben) = (gate.student(1, "A", 1).await, gate.student(2, "A", 1).await);
    let call = RollCall::open(&gate).await;
    let answer = scan(&gate, &asha, call.at_display(&gate)).await.unwrap();
    assert_eq!(
        refused(&gate, &asha, request("nothing", meters_north(0.0))).await,
        "QR_INVALID"
    );
    let get = || GetScanRequest {
        id: answer.scan_id.clone(),
    };
    let own = told(gate.scans().get_scan(gate.by_student(&asha, get())).await).unwrap();
    assert_eq!(
        (own.status(), own.student_name.as_str()),
        (ScanStatus::Present, asha.name.as_str())
    );
    assert_eq!(own.evidence.len(), 2);
    let others = told(gate.scans().get_scan(gate.by_student(&ben, get())).await).unwrap_err();
    assert_eq!(others.kind, Kind::NotFound);
    assert!(told(gate.scans().get_scan(gate.by_guard(get())).await).is_ok());
    assert!(told(gate.scans().get_scan(gate.by_warden(get())).await).is_ok());
    let another = gate.of(gate.world.clock.new_id(), Role::Guard, get());
    assert_eq!(
        told(gate.scans().get_scan(another).await).unwrap_err().kind,
        Kind::Forbidden
    );
    let nothing = GetScanRequest {
        id: gate.world.clock.new_id().to_string(),
    };
    assert_eq!(
        told(gate.scans().get_scan(gate.by_warden(nothing)).await)
            .unwrap_err()
            .kind,
        Kind::NotFound
    );
}

#[tokio::test]
async fn the_scans_of_a_roll_call_are_listed_the_latest_first() {
    let gate = Gate::open().await;
    let call = RollCall::open(&gate).await;
    let list = |status: Option<ScanStatus>| ListScansRequest {
        id: call.id.to_string(),
        status: status.map(Into::into),
        ..ListScansRequest::default()
    };
    for number in 0..3 {
        let pupil = gate.student(number, "A", 1).await;
        let away = f64::from(number) * 4.0;
        let fix = if number == 1 {
            about(away, 5.0)
        } else {
            meters_north(away)
        };
        drop(scan(&gate, &pupil, request(&call.code_now(&gate), fix)).await);
        gate.world.clock.advance(Duration::seconds(1));
    }
    let mut by_status = Vec::new();
    for status in [
        ScanStatus::Refused,
        ScanStatus::AwaitingConfirmation,
        ScanStatus::Present,
    ] {
        let found = told(gate.scans().list_scans(gate.by_guard(list(Some(status)))).await).unwrap();
        assert_eq!((found.scans.len(), found.scans[0].status()), (1, status));
        by_status.extend(found.scans);
    }
    let all = told(gate.scans().list_scans(gate.by_guard(list(None))).await).unwrap();
    assert_eq!(ids(&all.scans), ids(&by_status));
    assert_eq!(all.page.unwrap().total_items, 3);
    assert_eq!(all.scans[0].code.as_deref(), Some("LOCATION_MISMATCH"));
    let another = gate.of(gate.world.clock.new_id(), Role::Guard, list(None));
    assert_eq!(
        told(gate.scans().list_scans(another).await).unwrap_err().kind,
        Kind::Forbidden
    );
}
