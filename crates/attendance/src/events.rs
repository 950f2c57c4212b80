//! The events that this service publishes.

pub(crate) mod device;

use chrono::{DateTime, NaiveDate, Utc};
use kit::{Clock, access::Caller, clock::timestamp, events::Draft};
use proto::attendance::{
    AttendanceCorrected, AttendanceMarked, ExcuseChanged, MarkedStudent, RollCallClosed, RollCallOpened,
    RollCallSettled, ScanDecided, ScanStatus,
};
use uuid::Uuid;

use crate::{
    domain::{MarkChange, MarkSource, Session, Word},
    rpc::convert,
};

pub(crate) const SOURCE: &str = "attendance";

/// A roll call was opened.
pub(crate) fn opened(clock: &Clock, caller: &Caller, session: &Session) -> Draft {
    let event = RollCallOpened {
        session: Some(convert::session(session, clock.now(), None)),
    };
    Draft::new(clock, caller, SOURCE, session.id, session.version, &event)
}

/// A roll call was closed.
pub(crate) fn closed(clock: &Clock, caller: &Caller, session: &Session) -> Draft {
    let event = RollCallClosed {
        session: Some(convert::session(session, clock.now(), None)),
    };
    Draft::new(clock, caller, SOURCE, session.id, session.version, &event)
}

/// A roll call is settled, and these were not there.
pub(crate) fn settled(clock: &Clock, caller: &Caller, session: &Session, version: i64, absent: &[Uuid]) -> Draft {
    let event = RollCallSettled {
        session: Some(convert::session(session, clock.now(), None)),
        absent: absent.iter().map(Uuid::to_string).collect(),
    };
    Draft::new(clock, caller, SOURCE, session.id, version, &event)
}

/// A student who was marked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Marked {
    pub student: Uuid,
    pub scan: Uuid,
    pub source: MarkSource,
    pub scanned_at: DateTime<Utc>,
    pub retracts_absence: bool,
}

/// Students were marked in a roll call of this day.
pub(crate) fn marked(
    clock: &Clock,
    caller: &Caller,
    (session, day): (Uuid, NaiveDate),
    version: i64,
    marks: &[Marked],
) -> Draft {
    let marks = marks.iter().map(|mark| MarkedStudent {
        student_id: mark.student.to_string(),
        scan_id: mark.scan.to_string(),
        source: convert::mark_source(mark.source).into(),
        scanned_at: Some(timestamp(mark.scanned_at)),
        retracts_absence: mark.retracts_absence,
    });
    let event = AttendanceMarked {
        session_id: session.to_string(),
        day: day.to_string(),
        marks: marks.collect(),
    };
    Draft::new(clock, caller, SOURCE, session, version, &event)
}

/// A scan that was not certain was decided.
pub(crate) fn decided(
    clock: &Clock,
    caller: &Caller,
    (session, version): (Uuid, i64),
    (scan, student): (Uuid, Uuid),
    word: Word,
) -> Draft {
    let status = match word {
        Word::Confirmed => ScanStatus::Present,
        Word::Refused => ScanStatus::Refused,
    };
    let event = ScanDecided {
        scan_id: scan.to_string(),
        session_id: session.to_string(),
        student_id: student.to_string(),
        status: status.into(),
    };
    Draft::new(clock, caller, SOURCE, session, version, &event)
}

/// A mark was changed by hand.
pub(crate) fn corrected(clock: &Clock, caller: &Caller, version: i64, change: &MarkChange) -> Draft {
    let event = AttendanceCorrected {
        session_id: change.session_id.to_string(),
        day: change.day.to_string(),
        student_id: change.student_id.to_string(),
        change: Some(convert::change(change)),
    };
    Draft::new(clock, caller, SOURCE, change.session_id, version, &event)
}

/// A leave excuses a student from a roll call, or does so no longer.
pub(crate) fn excuse_changed(clock: &Clock, caller: &Caller, version: i64, change: &MarkChange) -> Draft {
    let event = ExcuseChanged {
        session_id: change.session_id.to_string(),
        day: change.day.to_string(),
        student_id: change.student_id.to_string(),
        status: convert::mark_status(change.after).into(),
    };
    Draft::new(clock, caller, SOURCE, change.session_id, version, &event)
}
