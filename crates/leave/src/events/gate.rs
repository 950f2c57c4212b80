//! What happens at the gate and with guardians.

use chrono::{DateTime, NaiveDate, Utc};
use kit::{Clock, access::Caller, clock::timestamp, events::Draft};
use proto::leave::{GuardianChanged, LeaveAnswered, LeaveDeparted, LeaveOverstayed, LeaveReturned};

use super::{SOURCE, record};
use crate::domain::{GuardianAddress, Leave, Returned};

/// A student left; `leave` is the first of the chain.
pub(crate) fn departed(clock: &Clock, caller: &Caller, leave: &Leave, at: DateTime<Utc>) -> Draft {
    let event = LeaveDeparted {
        leave: Some(record(&leave.summary())),
        departed_at: Some(timestamp(at)),
    };
    Draft::new(clock, caller, SOURCE, leave.id, leave.version, &event)
}

/// A student is back.
pub(crate) fn returned(clock: &Clock, caller: &Caller, leave: &Leave, returned: Returned) -> Draft {
    let event = LeaveReturned {
        leave: Some(record(&leave.summary())),
        returned_at: Some(timestamp(returned.at)),
        is_late: returned.is_late,
    };
    Draft::new(clock, caller, SOURCE, leave.id, leave.version, &event)
}

/// A student should be back.
pub(crate) fn overstayed(clock: &Clock, caller: &Caller, leave: &Leave, due: NaiveDate) -> Draft {
    let event = LeaveOverstayed {
        leave: Some(record(&leave.summary())),
        due_date: due.to_string(),
    };
    Draft::new(clock, caller, SOURCE, leave.id, leave.version, &event)
}

/// A guardian answered.
pub(crate) fn answered(clock: &Clock, caller: &Caller, leave: &Leave, approved: bool) -> Draft {
    let event = LeaveAnswered {
        leave: Some(record(&leave.summary())),
        approved,
    };
    Draft::new(clock, caller, SOURCE, leave.id, leave.version, &event)
}

/// Where a guardian is written to was said.
pub(crate) fn guardian_changed(clock: &Clock, caller: &Caller, address: &GuardianAddress) -> Draft {
    let event = GuardianChanged {
        student_id: address.student_id.to_string(),
    };
    Draft::new(clock, caller, SOURCE, address.student_id, address.version, &event)
}
