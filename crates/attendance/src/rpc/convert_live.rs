//! What happens in a roll call, as messages.

use kit::clock::timestamp;
use proto::attendance::{
    self as message, Evidence, Happening, LiveAwaiting, LiveClosed, LiveCounts, LiveQr, LiveScan, LiveState,
    ScanRecord, ScanStatus, happening,
};
use serde::Deserialize;

use super::{convert, convert_sessions};
use crate::{
    domain::{Closed, Closing, Factor},
    operations::{
        App,
        live::{State, Told},
    },
    store::live::SeenScan,
};

/// A factor and how strongly it held, as a scan keeps it.
#[derive(Deserialize)]
struct Kept {
    factor: Factor,
    strength: f64,
}

pub(super) fn happening(app: &App, told: Told) -> Happening {
    let happening = match told {
        Told::State(state) => happening::Happening::State(state_of(app, &state)),
        Told::Scan(scan) => happening::Happening::Scan(LiveScan {
            scan_id: scan.id.to_string(),
            student_id: scan.student_id.to_string(),
            status: status(&scan).into(),
            student_name: scan.student_name,
            room_no: scan.room_no,
            code: scan.code,
            distance_meters: scan.distance_meters,
            scanned_at: Some(timestamp(scan.scanned_at)),
            offline: scan.offline,
        }),
        Told::Awaiting(scan) => happening::Happening::Awaiting(LiveAwaiting {
            scan_id: scan.id.to_string(),
            student_id: scan.student_id.to_string(),
            student_name: scan.student_name,
            room_no: scan.room_no,
            distance_meters: scan.distance_meters,
            accuracy_meters: scan.accuracy_meters,
            scanned_at: Some(timestamp(scan.scanned_at)),
        }),
        Told::Counts(counts) => happening::Happening::Counts(LiveCounts {
            counts: Some(convert_sessions::counts(counts)),
        }),
        Told::Qr(shown) => happening::Happening::Qr(LiveQr {
            qr_token: shown.token,
            expires_at: Some(timestamp(shown.expires_at)),
            otp: shown.digits,
        }),
        Told::Closed(end) => happening::Happening::Closed(closed(end)),
    };
    Happening {
        happening: Some(happening),
    }
}

fn state_of(app: &App, state: &State) -> LiveState {
    LiveState {
        session: Some(convert::session(
            &state.session,
            app.clock.now(),
            Some(convert_sessions::counts(state.counts)),
        )),
        awaiting: state.awaiting.iter().map(record).collect(),
        recent: state.recent.iter().map(record).collect(),
        qr: state.shown.clone().map(convert_sessions::code),
    }
}

fn record(scan: &SeenScan) -> ScanRecord {
    let evidence: Vec<Kept> = serde_json::from_str(&scan.evidence).unwrap_or_default();
    let evidence = evidence.iter().map(|kept| Evidence {
        factor: convert::factor(kept.factor).into(),
        strength: kept.strength,
    });
    ScanRecord {
        id: scan.id.to_string(),
        session_id: scan.session_id.to_string(),
        student_id: scan.student_id.to_string(),
        student_name: scan.student_name.clone(),
        room_no: scan.room_no.clone(),
        status: status(scan).into(),
        code: scan.code.clone(),
        distance_meters: scan.distance_meters,
        accuracy_meters: scan.accuracy_meters,
        scanned_at: Some(timestamp(scan.scanned_at)),
        received_at: Some(timestamp(scan.received_at)),
        offline: scan.offline,
        evidence: evidence.collect(),
        decided_by: scan.decided_by.map(|id| id.to_string()),
        decided_at: scan.decided_at.map(timestamp),
    }
}

/// What came of a scan, the guard's word included.
fn status(scan: &SeenScan) -> ScanStatus {
    match (scan.outcome.as_str(), scan.verdict.as_deref()) {
        ("refused", _) | ("awaiting", Some("refused")) => ScanStatus::Refused,
        ("awaiting", None) => ScanStatus::AwaitingConfirmation,
        _ => ScanStatus::Present,
    }
}

fn closed(end: Closed) -> LiveClosed {
    let by = match end.by {
        Closing::Time => message::ClosedBy::Time,
        Closing::Guard => message::ClosedBy::Guard,
        Closing::Warden => message::ClosedBy::Warden,
    };
    LiveClosed {
        closed_at: Some(timestamp(end.at)),
        closed_by: by.into(),
    }
}
