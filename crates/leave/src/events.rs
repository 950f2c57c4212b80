//! The events that this service publishes.

mod gate;

pub(crate) use gate::{answered, departed, guardian_changed, overstayed, returned};
use kit::{Clock, access::Caller, events::Draft};
use proto::leave::{
    LeaveApproved, LeaveCancelled, LeaveChanged, LeaveDocumented, LeaveEndorsed, LeaveRecord, LeaveRejected,
    LeaveRequested, LeaveState,
};

use crate::domain::{Document, Leave, StateName, Summary};

pub(crate) const SOURCE: &str = "leave";

/// A leave as others know it.
pub(crate) fn record(leave: &Summary) -> LeaveRecord {
    LeaveRecord {
        id: leave.id.to_string(),
        version: leave.version,
        student_id: leave.student_id.to_string(),
        from_date: leave.from.to_string(),
        to_date: leave.to.to_string(),
        state: state(leave.state).into(),
    }
}

pub(crate) fn state(state: StateName) -> LeaveState {
    match state {
        StateName::Pending => LeaveState::Pending,
        StateName::Approved => LeaveState::Approved,
        StateName::Rejected => LeaveState::Rejected,
        StateName::Cancelled => LeaveState::Cancelled,
    }
}

/// A leave was asked for.
pub(crate) fn requested(clock: &Clock, caller: &Caller, leave: &Leave) -> Draft {
    let event = LeaveRequested {
        leave: Some(record(&leave.summary())),
        extends: leave.extends.map(|id| id.to_string()),
    };
    Draft::new(clock, caller, SOURCE, leave.id, leave.version, &event)
}

/// What an approver's word made of a leave.
pub(crate) fn decided(clock: &Clock, caller: &Caller, leave: &Leave) -> Draft {
    let (id, version, record) = (leave.id, leave.version, Some(record(&leave.summary())));
    match leave.state.name() {
        StateName::Rejected => Draft::new(clock, caller, SOURCE, id, version, &LeaveRejected { leave: record }),
        StateName::Pending => {
            let waits_for = leave.waits_for().map(|approver| approver.as_str().to_owned());
            let event = LeaveEndorsed {
                leave: record,
                waits_for: waits_for.unwrap_or_default(),
            };
            Draft::new(clock, caller, SOURCE, id, version, &event)
        }
        StateName::Approved | StateName::Cancelled => {
            Draft::new(clock, caller, SOURCE, id, version, &LeaveApproved { leave: record })
        }
    }
}

/// A leave was taken back.
pub(crate) fn cancelled(clock: &Clock, caller: &Caller, leave: &Leave) -> Draft {
    let event = LeaveCancelled {
        leave: Some(record(&leave.summary())),
    };
    Draft::new(clock, caller, SOURCE, leave.id, leave.version, &event)
}

/// The days of a granted leave changed.
pub(crate) fn changed(clock: &Clock, caller: &Caller, leave: &Leave) -> Draft {
    let event = LeaveChanged {
        leave: Some(record(&leave.summary())),
    };
    Draft::new(clock, caller, SOURCE, leave.id, leave.version, &event)
}

/// A leave got a document.
pub(crate) fn documented(clock: &Clock, caller: &Caller, leave: &Leave, document: &Document) -> Draft {
    let event = LeaveDocumented {
        leave: Some(record(&leave.summary())),
        document_id: document.id.to_string(),
    };
    Draft::new(clock, caller, SOURCE, leave.id, leave.version, &event)
}
