//! Messages of the gate, of extensions, guardians and the calendar, to the domain's words and back.

use chrono::Days as Later;
use kit::{Fault, clock::timestamp, contact::Email, fault::Fields, page::Paging};
use proto::leave::{
    self as message, AnswerQuestionRequest, CalendarEntry, ExtendLeaveRequest, GateView, LeaveCalendar,
    ListActiveLeavesRequest, SetGuardianRequest,
};
use uuid::Uuid;

use super::convert::{day, leave_type, student};
use crate::{
    domain::{Details, GuardianAddress},
    events,
    operations::{
        calendar::read::Entry,
        extend::More,
        gate::{
            active::Query,
            view::{Absence, Crowd, View},
        },
    },
    store::leave::Period,
};

/// So many days a calendar has at most after its first.
const LONGEST_PERIOD: Later = Later::new(366);

pub(super) fn extension(request: &ExtendLeaveRequest) -> Result<More, Fault> {
    let mut fields = Fields::default();
    let leave = fields.take("id", kit::id::parse(&request.id));
    let to = fields.take("to_date", day(&request.to_date));
    let place = request.place_of_visit.as_deref().filter(|place| !place.is_empty());
    let place = fields.take("place_of_visit", place.map(Details::place).transpose());
    let extra = Details::extra(request.extra_details.as_deref().unwrap_or_default());
    let extra = fields.take("extra_details", extra);
    let (Some(leave), Some(to), Some(place), Some(extra)) = (leave, to, place, extra) else {
        return Err(fields.fault());
    };
    Ok(More {
        leave,
        to,
        place,
        extra,
    })
}

pub(super) fn guardian(request: &SetGuardianRequest) -> Result<(Uuid, Email), Fault> {
    let mut fields = Fields::default();
    let student = fields.take("student_id", kit::id::parse(&request.student_id));
    let email = fields.take("email", Email::parse(&request.email));
    student.zip(email).ok_or_else(|| fields.fault())
}

pub(super) fn guardian_message(address: &GuardianAddress) -> message::Guardian {
    message::Guardian {
        student_id: address.student_id.to_string(),
        email: address.email.as_str().to_owned(),
        set_by: address.set_by.to_string(),
        set_at: Some(timestamp(address.set_at)),
    }
}

/// Whether the guardian agrees.
pub(super) fn answer(request: &AnswerQuestionRequest) -> Result<bool, Fault> {
    match request.answer.as_str() {
        "approve" => Ok(true),
        "refuse" => Ok(false),
        _ => Err(Fault::invalid("answer", "must be one of: approve, refuse")),
    }
}

/// The block of a filter.
pub(super) fn block(given: Option<&str>) -> Option<&str> {
    given.map(str::trim).filter(|block| !block.is_empty())
}

pub(super) fn active(request: &ListActiveLeavesRequest) -> Result<Query, Fault> {
    let on = request.date.as_deref().map(day).transpose();
    Ok(Query {
        day: on.map_err(|wrong| Fault::invalid("date", wrong))?,
        block: block(request.block.as_deref()).map(str::to_owned),
        paging: Paging::new(request.page, request.limit)?,
    })
}

pub(super) fn absence(absence: &Absence) -> message::Absence {
    let movement = &absence.movement;
    message::Absence {
        leave_id: movement.root_id.to_string(),
        student: Some(student(absence.student_id, absence.student.as_ref())),
        from_date: absence.from.to_string(),
        to_date: movement.out_until.to_string(),
        departed_at: Some(timestamp(movement.departed_at)),
        returned_at: movement.returned.map(|returned| timestamp(returned.at)),
        is_late: absence.is_late,
    }
}

pub(super) fn view(view: &View) -> GateView {
    let first = |crowd: &Crowd| crowd.first.iter().map(absence).collect();
    let total = |crowd: &Crowd| u32::try_from(crowd.total).unwrap_or(u32::MAX);
    GateView {
        date: view.today.to_string(),
        out_now: first(&view.out_now),
        due_today: first(&view.due_today),
        overdue: first(&view.overdue),
        out_now_total: total(&view.out_now),
        due_today_total: total(&view.due_today),
        overdue_total: total(&view.overdue),
    }
}

/// A period of the calendar, or every field that is wrong.
pub(super) fn period(from: &str, to: &str, of_block: Option<&str>) -> Result<Period, Fault> {
    let mut fields = Fields::default();
    let from = fields.take("from", day(from));
    let to = fields.take("to", day(to));
    let (Some(from), Some(to)) = (from, to) else {
        return Err(fields.fault());
    };
    if to < from {
        return Err(Fault::invalid("to", "must not be before from"));
    }
    if from.checked_add_days(LONGEST_PERIOD).is_some_and(|last| last < to) {
        return Err(Fault::invalid("to", "must be at most 366 days after from"));
    }
    Ok(Period {
        from,
        to,
        block: block(of_block).map(str::to_owned),
    })
}

pub(super) fn calendar(period: &Period, entries: &[Entry]) -> LeaveCalendar {
    LeaveCalendar {
        from: period.from.to_string(),
        to: period.to.to_string(),
        entries: entries.iter().map(entry).collect(),
    }
}

fn entry(entry: &Entry) -> CalendarEntry {
    let leave = &entry.leave;
    CalendarEntry {
        leave_id: leave.id.to_string(),
        student: Some(student(leave.student_id, entry.student.as_ref())),
        leave_type: leave_type(leave.leave_type).into(),
        from_date: leave.days.from().to_string(),
        to_date: leave.days.to().to_string(),
        status: events::state(leave.state.name()).into(),
    }
}
