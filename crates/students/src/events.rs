//! The events that this service publishes, and records as other services see them.

pub(crate) mod document;
pub(crate) mod place;

use std::time::Duration;

use kit::{Clock, access::Caller, clock::timestamp, events::Draft};
use proto::students::{
    RoomRef as RoomMessage, StudentDeactivated, StudentErased, StudentExportRequested, StudentMoved, StudentRecord,
    StudentRegistered, StudentState, StudentUpdated,
};
use uuid::Uuid;

use crate::domain::{RoomRef, State, Student};

/// The source of this service's events.
pub(crate) const SOURCE: &str = "students";

/// A student was registered.
pub(crate) fn registered(clock: &Clock, caller: &Caller, student: &Student) -> Draft {
    let event = StudentRegistered {
        student: Some(record(student)),
    };
    Draft::new(clock, caller, SOURCE, student.id, student.version, &event)
}

/// Fields of a record changed; only their names are told.
pub(crate) fn updated(clock: &Clock, caller: &Caller, student: &Student, changed: &[&str]) -> Draft {
    let event = StudentUpdated {
        student: Some(record(student)),
        changed: changed.iter().map(|field| (*field).to_owned()).collect(),
    };
    Draft::new(clock, caller, SOURCE, student.id, student.version, &event)
}

/// A student moved in, out or on.
pub(crate) fn moved(clock: &Clock, caller: &Caller, student: &Student, before: Option<&RoomRef>) -> Draft {
    let event = StudentMoved {
        student: Some(record(student)),
        before: before.map(room),
    };
    Draft::new(clock, caller, SOURCE, student.id, student.version, &event)
}

/// A student left.
pub(crate) fn deactivated(clock: &Clock, caller: &Caller, student: &Student, before: Option<&RoomRef>) -> Draft {
    let event = StudentDeactivated {
        student: Some(record(student)),
        before: before.map(room),
    };
    Draft::new(clock, caller, SOURCE, student.id, student.version, &event)
}

/// A student was erased.
pub(crate) fn erased(clock: &Clock, caller: &Caller, student: &Student) -> Draft {
    let event = StudentErased {
        student: Some(record(student)),
    };
    Draft::new(clock, caller, SOURCE, student.id, student.version, &event)
}

/// Everything held of a student is wanted within a time. An export is a subject of its own.
pub(crate) fn export_requested(clock: &Clock, caller: &Caller, export: Uuid, student: Uuid, within: Duration) -> Draft {
    let event = StudentExportRequested {
        student_id: student.to_string(),
        export_id: export.to_string(),
        wanted_until: Some(timestamp(clock.now() + within)),
    };
    Draft::new(clock, caller, SOURCE, export, 1, &event)
}

/// What others need to know of a student.
pub(crate) fn record(student: &Student) -> StudentRecord {
    StudentRecord {
        id: student.id.to_string(),
        version: student.version,
        registration_no: student.registration_no.as_str().to_owned(),
        name: student.name.as_str().to_owned(),
        email: student.email.as_str().to_owned(),
        year: student.term.year(),
        semester: student.term.semester(),
        room: student.room.as_ref().map(room),
        state: match student.state {
            State::Active => StudentState::Active,
            State::Deactivated => StudentState::Deactivated,
            State::Erased => StudentState::Erased,
        }
        .into(),
    }
}

pub(crate) fn room(room: &RoomRef) -> RoomMessage {
    RoomMessage {
        id: room.id.to_string(),
        room_no: room.room_no.as_str().to_owned(),
        block: room.block.as_str().to_owned(),
    }
}
