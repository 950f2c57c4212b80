//! What happens in a roll call, as messages.

use kit::clock::timestamp;
use proto::attendance::{
    self as message, Happening, LiveAwaiting, LiveClosed, LiveCounts, LiveQr, LiveScan, LiveState, ScanRecord,
    happening,
};

use super::{convert, convert_scans, convert_sessions};
use crate::{
    domain::{Closed, Closing},
    operations::{
        App,
        live::{State, Told},
    },
    store::scan::Kept,
};

pub(super) fn happening(app: &App, told: Told) -> Happening {
    let happening = match told {
        Told::State(state) => happening::Happening::State(state_of(app, &state)),
        Told::Scan(scan) => happening::Happening::Scan(seen(scan)),
        Told::Awaiting(scan) => happening::Happening::Awaiting(LiveAwaiting {
            scan_id: scan.id.to_string(),
            student_id: scan.student_id.to_string(),
            student_name: scan.student_name.unwrap_or_default(),
            room_no: scan.room_no,
            distance_meters: scan.distance_meters.map(convert_scans::rounded),
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

fn seen(scan: Kept) -> LiveScan {
    let (status, code) = convert_scans::came_of(&scan);
    LiveScan {
        scan_id: scan.id.to_string(),
        student_id: scan.student_id.to_string(),
        status: status.into(),
        student_name: scan.student_name.unwrap_or_default(),
        room_no: scan.room_no,
        code,
        distance_meters: scan.distance_meters.map(convert_scans::rounded),
        scanned_at: Some(timestamp(scan.scanned_at)),
        offline: scan.offline,
    }
}

fn state_of(app: &App, state: &State) -> LiveState {
    LiveState {
        session: Some(convert::session(
            &state.session,
            app.clock.now(),
            Some(convert_sessions::counts(state.counts)),
        )),
        awaiting: records(&state.awaiting),
        recent: records(&state.recent),
        qr: state.shown.clone().map(convert_sessions::code),
    }
}

fn records(scans: &[Kept]) -> Vec<ScanRecord> {
    scans.iter().cloned().map(convert_scans::record).collect()
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
