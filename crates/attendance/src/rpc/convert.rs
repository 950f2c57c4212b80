//! Between messages and the domain.

use chrono::{DateTime, NaiveDate, Utc};
use kit::{Fault, clock::timestamp, fault::Fields, page::Paging};
use proto::attendance::{self as message, ClosedBy, Counts, SessionStatus};
use uuid::Uuid;

use crate::{
    domain::{Closing, Factor, MarkChange, MarkSource, MarkStatus, Period, Place, Requirement, Session, SessionState},
    operations::marks::by_hand::Word,
    store::roll::{RollLine, Step},
};

const LONGEST_REASON: usize = 500;
const EARLIEST: NaiveDate = NaiveDate::from_ymd_opt(1, 1, 1).expect("a day");
const LATEST: NaiveDate = NaiveDate::from_ymd_opt(9999, 12, 31).expect("a day");

/// An id of the request.
pub(crate) fn id(field: &str, text: &str) -> Result<Uuid, Fault> {
    Uuid::parse_str(text).map_err(|_| Fault::invalid(field, "must be a UUID"))
}

pub(crate) fn session(session: &Session, now: DateTime<Utc>, counts: Option<Counts>) -> message::Session {
    let closed = session.closed();
    let status = match session.state {
        // Its time is over, only nobody wrote it down yet.
        SessionState::Open if now >= session.valid_until => SessionStatus::Closed,
        SessionState::Open => SessionStatus::Active,
        SessionState::Closed(_) => SessionStatus::Closed,
        SessionState::Settled(_) => SessionStatus::Settled,
    };
    let closed_by = closed.map_or(ClosedBy::Unspecified, |closed| match closed.by {
        Closing::Time => ClosedBy::Time,
        Closing::Guard => ClosedBy::Guard,
        Closing::Warden => ClosedBy::Warden,
    });
    message::Session {
        id: session.id.to_string(),
        block: session.block.clone(),
        year: session.year.into(),
        day: session.day.to_string(),
        status: status.into(),
        valid_from: Some(timestamp(session.valid_from)),
        valid_until: Some(timestamp(session.valid_until)),
        closed_at: closed.map(|closed| timestamp(closed.at)),
        closed_by: closed_by.into(),
        settles_at: closed.map(|closed| timestamp(closed.settles_at)),
        rotate_seconds: session.rotate_seconds,
        radius_meters: session.radius_meters,
        require: factors(&session.require),
        location: session.place.map(location),
        opened_by: session.opened_by.to_string(),
        counts,
    }
}

pub(crate) fn location(place: Place) -> message::SessionLocation {
    message::SessionLocation {
        latitude: Some(place.latitude),
        longitude: Some(place.longitude),
        accuracy_meters: Some(place.accuracy_meters),
    }
}

/// What every mark must rest on.
pub(crate) fn factors(require: &Requirement) -> Vec<i32> {
    require.factors().iter().map(|one| factor(*one).into()).collect()
}

pub(crate) fn factor(factor: Factor) -> message::Factor {
    match factor {
        Factor::Qr => message::Factor::Qr,
        Factor::Proximity => message::Factor::Proximity,
        Factor::Otp => message::Factor::Otp,
        Factor::AccessPoint => message::Factor::AccessPoint,
        Factor::Device => message::Factor::Device,
        Factor::Guard => message::Factor::Guard,
        Factor::Manual => message::Factor::Manual,
    }
}

pub(crate) fn mark_status(status: MarkStatus) -> message::MarkStatus {
    match status {
        MarkStatus::Present => message::MarkStatus::Present,
        MarkStatus::Absent => message::MarkStatus::Absent,
        MarkStatus::Excused => message::MarkStatus::Excused,
        MarkStatus::Pending => message::MarkStatus::Pending,
    }
}

pub(crate) fn mark_source(source: MarkSource) -> message::MarkSource {
    match source {
        MarkSource::Scan => message::MarkSource::Scan,
        MarkSource::Offline => message::MarkSource::Offline,
        MarkSource::Guard => message::MarkSource::Guard,
        MarkSource::Manual => message::MarkSource::Manual,
        MarkSource::Leave => message::MarkSource::Leave,
        MarkSource::Settlement => message::MarkSource::Settlement,
    }
}

/// Filter of a list of marks: an unspecified one is none.
fn wanted_status(status: Option<i32>) -> Result<Option<MarkStatus>, Fault> {
    let Some(number) = status else { return Ok(None) };
    match message::MarkStatus::try_from(number) {
        Ok(message::MarkStatus::Unspecified) => Ok(None),
        Ok(message::MarkStatus::Present) => Ok(Some(MarkStatus::Present)),
        Ok(message::MarkStatus::Absent) => Ok(Some(MarkStatus::Absent)),
        Ok(message::MarkStatus::Excused) => Ok(Some(MarkStatus::Excused)),
        Ok(message::MarkStatus::Pending) => Ok(Some(MarkStatus::Pending)),
        Err(_) => Err(Fault::invalid(
            "status",
            "must be one of: present, absent, excused, pending",
        )),
    }
}

/// What a warden says of a student.
pub(crate) fn word(request: &message::MarkByHandRequest) -> Result<Word, Fault> {
    let mut fields = Fields::default();
    let uuid = |text: &str| Uuid::parse_str(text).map_err(|_| "must be a UUID");
    let session = fields.take("session_id", uuid(&request.session_id));
    let student = fields.take("student_id", uuid(&request.student_id));
    let status = MarkStatus::parse(&request.status).filter(|status| *status != MarkStatus::Pending);
    let status = fields.take("status", status.ok_or("must be one of: present, absent, excused"));
    let reason = fields.take("reason", reason(&request.reason));
    let (Some(session), Some(student), Some(status), Some(reason)) = (session, student, status, reason) else {
        return Err(fields.fault());
    };
    Ok(Word {
        session,
        student,
        status,
        reason,
    })
}

fn reason(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    let is_odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if text.is_empty() {
        return Err("must not be empty");
    }
    if text.chars().count() > LONGEST_REASON {
        return Err("must have at most 500 characters");
    }
    if text.contains(is_odd) {
        return Err("must not hold control characters");
    }
    Ok(text.to_owned())
}

pub(crate) fn marks_query(request: &message::ListMarksRequest) -> Result<(Uuid, Option<MarkStatus>, Paging), Fault> {
    let paging = Paging::new(request.page, request.limit)?;
    Ok((id("id", &request.id)?, wanted_status(request.status)?, paging))
}

pub(crate) fn history_query(request: &message::ListMarkHistoryRequest) -> Result<(Uuid, Uuid, Paging), Fault> {
    let paging = Paging::new(request.page, request.limit)?;
    Ok((id("id", &request.id)?, id("student_id", &request.student_id)?, paging))
}

/// Which of one's own marks; a period that is open on one side has no end there.
pub(crate) fn own_query(
    request: &message::ListOwnMarksRequest,
) -> Result<(Option<Period>, Option<MarkStatus>, Paging), Fault> {
    let paging = Paging::new(request.page, request.limit)?;
    let status = wanted_status(request.status)?;
    let mut fields = Fields::default();
    let from = fields.take("from", request.from.as_deref().map(day).transpose());
    let to = fields.take("to", request.to.as_deref().map(day).transpose());
    let (Some(from), Some(to)) = (from, to) else {
        return Err(fields.fault());
    };
    if from.is_none() && to.is_none() {
        return Ok((None, status, paging));
    }
    let period = Period {
        from: from.unwrap_or(EARLIEST),
        to: to.unwrap_or(LATEST),
    };
    if period.to < period.from {
        return Err(Fault::invalid("to", "must not be before from"));
    }
    Ok((Some(period), status, paging))
}

/// A day of a request.
pub(crate) fn day(text: &str) -> Result<NaiveDate, &'static str> {
    // The databases keep days of four-digit years.
    text.parse()
        .ok()
        .filter(|day| (EARLIEST..=LATEST).contains(day))
        .ok_or("must be a day, YYYY-MM-DD")
}

pub(crate) fn mark(line: &RollLine) -> message::Mark {
    let source = line.source.map_or(message::MarkSource::Unspecified, mark_source);
    message::Mark {
        session_id: line.session_id.to_string(),
        student_id: line.student_id.to_string(),
        student_name: line.name.clone(),
        registration_no: line.registration_no.clone(),
        room_no: line.room_no.clone(),
        block: line.block.clone(),
        year: line.year.into(),
        day: line.day.to_string(),
        status: mark_status(line.status).into(),
        source: source.into(),
        scanned_at: line.scanned_at.map(timestamp),
        distance_meters: line.distance_meters,
        marked_at: line.marked_at.map(timestamp),
    }
}

pub(crate) fn step(step: &Step) -> message::MarkChange {
    message::MarkChange {
        before: step.before.map(|status| mark_status(status).into()),
        after: mark_status(step.after).into(),
        source: mark_source(step.source).into(),
        reason: step.reason.clone(),
        author: step.author.map(|author| author.to_string()),
        changed_at: Some(timestamp(step.changed_at)),
    }
}

/// A change of a mark as an event tells it.
pub(crate) fn change(change: &MarkChange) -> message::MarkChange {
    message::MarkChange {
        before: change.before.map(|status| mark_status(status).into()),
        after: mark_status(change.after).into(),
        source: mark_source(change.source).into(),
        reason: change.reason.clone(),
        author: change.author.map(|author| author.to_string()),
        changed_at: Some(timestamp(change.changed_at)),
    }
}
