//! Messages of the contract to the domain's words and back. What does not parse is named, all of it at once.

use chrono::{Days as Later, NaiveDate};
use kit::{
    Fault,
    clock::timestamp,
    contact::{Phone, text},
    fault::Fields,
    page::{Order, Paging},
};
use proto::leave::{
    self as message, ApproveLeaveRequest, GuardianWord, LeaveDecision, LeaveState, LeaveStudent, ListLeavesRequest,
    RejectLeaveRequest, RequestLeaveRequest,
};
use uuid::Uuid;

use crate::{
    domain::{
        Approver, Days, Decision, Details, Guardian, GuardianState, LeaveType, LetterState, Question, StateName,
        Student, Verdict,
    },
    events,
    operations::{
        App,
        decisions::decide::Said,
        requests::{ask::NewLeave, list::Query},
        shown::Shown,
    },
    store::leave::{Filter, SortBy},
};

const LONGEST_COMMENTS: usize = 1000;
const EARLIEST: NaiveDate = NaiveDate::from_ymd_opt(1, 1, 1).expect("a day");
const LATEST: NaiveDate = NaiveDate::from_ymd_opt(9999, 12, 31).expect("a day");

/// An id in a field.
pub(super) fn id(field: &'static str, text: &str) -> Result<Uuid, Fault> {
    kit::id::parse(text).map_err(|expected| Fault::invalid(field, expected))
}

/// A day in a field.
pub(super) fn day(text: &str) -> Result<NaiveDate, &'static str> {
    // The databases keep days of four-digit years; the parser takes days in other forms, too.
    let day: Option<NaiveDate> = text.parse().ok().filter(|_| text.len() == 10);
    day.filter(|day| (EARLIEST..=LATEST).contains(day))
        .ok_or("must be a day, YYYY-MM-DD")
}

/// Which days a leave that is asked for today may begin on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    today: NaiveDate,
    /// The earliest for one that has begun.
    earliest: NaiveDate,
    latest: NaiveDate,
}

impl Bounds {
    pub(super) fn of(app: &App) -> Self {
        let today = app.today();
        let back = Later::new(app.config.retroactive_days.into());
        let ahead = Later::new(app.config.ahead_days.into());
        Self {
            today,
            earliest: today.checked_sub_days(back).unwrap_or(EARLIEST),
            latest: today.checked_add_days(ahead).unwrap_or(LATEST),
        }
    }

    fn check(self, from: NaiveDate, retroactive: bool) -> Result<(), &'static str> {
        if from > self.latest {
            Err("is too far ahead")
        } else if from >= self.today {
            Ok(())
        } else if !retroactive {
            Err("must not be in the past, unless the leave is retroactive")
        } else if from < self.earliest {
            Err("is too long ago")
        } else {
            Ok(())
        }
    }
}

pub(super) fn new_leave(request: &RequestLeaveRequest, bounds: Bounds) -> Result<NewLeave, Fault> {
    let mut fields = Fields::default();
    let leave_type = fields.take("leave_type", LeaveType::parse(&request.leave_type));
    let retroactive = request.retroactive();
    let from = day(&request.from_date).and_then(|from| bounds.check(from, retroactive).map(|()| from));
    let from = fields.take("from_date", from);
    // Whether the last day is right depends on the first, where that one is a day at all.
    let to = match day(&request.from_date) {
        Ok(from) => day(&request.to_date).and_then(|to| Days::new(from, to).map(Days::to)),
        Err(_) => day(&request.to_date),
    };
    let to = fields.take("to_date", to);
    let place_of_visit = fields.take("place_of_visit", Details::place(&request.place_of_visit));
    let parent_phone = fields.take("parent_phone", Phone::parse(&request.parent_phone));
    let extra = fields.take(
        "extra_details",
        Details::extra(request.extra_details.as_deref().unwrap_or_default()),
    );
    let days = from.zip(to).and_then(|(from, to)| Days::new(from, to).ok());
    let (Some(leave_type), Some(days), Some(place_of_visit), Some(parent_phone), Some(extra)) =
        (leave_type, days, place_of_visit, parent_phone, extra)
    else {
        return Err(fields.fault());
    };
    Ok(NewLeave {
        leave_type,
        days,
        details: Details {
            place_of_visit,
            parent_phone: Some(parent_phone),
            extra,
        },
        retroactive,
        extends: None,
    })
}

pub(super) fn query(request: &ListLeavesRequest) -> Result<Query, Fault> {
    let mut fields = Fields::default();
    let from = fields.take("from", request.from.as_deref().map(day).transpose());
    let to = fields.take("to", request.to.as_deref().map(day).transpose());
    let student = request.student_id.as_deref().map(kit::id::parse).transpose();
    let student = fields.take("student_id", student);
    let sort_by = fields.take("sort_by", sort_by(request.sort_by.as_deref()));
    let status = fields.take("status", status(request.status));
    let (Some(from), Some(to), Some(student), Some(sort_by), Some(status)) = (from, to, student, sort_by, status)
    else {
        return Err(fields.fault());
    };
    if from.zip(to).is_some_and(|(from, to)| to < from) {
        return Err(Fault::invalid("to", "must not be before from"));
    }
    let block = request
        .block
        .as_deref()
        .map(str::trim)
        .filter(|block| !block.is_empty());
    Ok(Query {
        filter: Filter {
            status,
            from,
            to,
            student,
            block: block.map(str::to_owned),
        },
        sort: (sort_by, Order::parse(request.order.as_deref(), Order::Descending)?),
        paging: Paging::new(request.page, request.limit)?,
    })
}

fn sort_by(name: Option<&str>) -> Result<SortBy, &'static str> {
    match name {
        None | Some("created_at") => Ok(SortBy::CreatedAt),
        Some("from_date") => Ok(SortBy::FromDate),
        Some(_) => Err("must be one of: created_at, from_date"),
    }
}

/// Filter of a list: an unspecified state is none.
fn status(number: Option<i32>) -> Result<Option<StateName>, &'static str> {
    let Some(number) = number else { return Ok(None) };
    match LeaveState::try_from(number) {
        Ok(LeaveState::Unspecified) => Ok(None),
        Ok(LeaveState::Pending) => Ok(Some(StateName::Pending)),
        Ok(LeaveState::Approved) => Ok(Some(StateName::Approved)),
        Ok(LeaveState::Rejected) => Ok(Some(StateName::Rejected)),
        Ok(LeaveState::Cancelled) => Ok(Some(StateName::Cancelled)),
        Err(_) => Err("must be one of: pending, approved, rejected, cancelled"),
    }
}

pub(super) fn approval(request: &ApproveLeaveRequest) -> Result<Said, Fault> {
    let mut fields = Fields::default();
    let leave = fields.take("id", kit::id::parse(&request.id));
    let said = comments(request.comments.as_deref().unwrap_or_default());
    let said = match said {
        Ok(None) if request.without_guardian() => Err("is required where the guardian is not waited for"),
        said => said,
    };
    let comments = fields.take("comments", said);
    let (Some(leave), Some(comments)) = (leave, comments) else {
        return Err(fields.fault());
    };
    Ok(Said {
        leave,
        verdict: Verdict::Approved,
        comments,
        without_guardian: request.without_guardian(),
    })
}

pub(super) fn rejection(request: &RejectLeaveRequest) -> Result<Said, Fault> {
    let mut fields = Fields::default();
    let leave = fields.take("id", kit::id::parse(&request.id));
    let said = comments(&request.comments).and_then(|said| said.ok_or("is required"));
    let comments = fields.take("comments", said);
    let (Some(leave), Some(comments)) = (leave, comments) else {
        return Err(fields.fault());
    };
    Ok(Said {
        leave,
        verdict: Verdict::Rejected,
        comments: Some(comments),
        without_guardian: false,
    })
}

fn comments(given: &str) -> Result<Option<String>, &'static str> {
    text(given, LONGEST_COMMENTS, "must be at most 1000 characters")
}

/// A leave as its student and wardens see it.
pub(crate) fn leave(shown: &Shown) -> message::Leave {
    let (leave, details) = (&shown.leave, &shown.leave.details);
    let parent_phone = details.parent_phone.as_ref().map(|phone| phone.as_str().to_owned());
    message::Leave {
        leave_type: Some(leave_type(leave.leave_type).into()),
        place_of_visit: details.place_of_visit.clone(),
        parent_phone: parent_phone.unwrap_or_default(),
        extra_details: details.extra.clone(),
        approvers: leave.chain.iter().map(|one| one.as_str().to_owned()).collect(),
        waits_for: leave.waits_for().map(|one: Approver| one.as_str().to_owned()),
        decisions: shown.decisions.iter().map(decision).collect(),
        guardian: Some(guardian_word(leave.guardian, shown.question)),
        document_required: leave.document_required,
        has_document: shown.has_document,
        ..leave_at_gate(shown)
    }
}

/// A leave as a gate sees it: whose it is, its days, who went through. Not why, and not what was said of it.
pub(crate) fn leave_at_gate(shown: &Shown) -> message::Leave {
    let leave = &shown.leave;
    let returned = shown.movement.and_then(|movement| movement.returned);
    message::Leave {
        id: leave.id.to_string(),
        student: Some(student(leave.student_id, shown.student.as_ref())),
        from_date: leave.days.from().to_string(),
        to_date: leave.days.to().to_string(),
        asked_to_date: leave.asked_to.to_string(),
        days: leave.days.count(),
        retroactive: leave.retroactive,
        status: events::state(leave.state.name()).into(),
        extends: leave.extends.map(|id| id.to_string()),
        departed_at: shown.movement.map(|movement| timestamp(movement.departed_at)),
        returned_at: returned.map(|returned| timestamp(returned.at)),
        created_at: Some(timestamp(leave.asked_at)),
        decided_at: leave.state.decided().map(|decided| timestamp(decided.at)),
        cancelled_at: leave.state.cancelled().map(|cancelled| timestamp(cancelled.at)),
        updated_at: Some(timestamp(leave.changed_at)),
        ..message::Leave::default()
    }
}

/// Whose leave it is. Of somebody nobody told of yet, there is the id.
pub(crate) fn student(id: Uuid, student: Option<&Student>) -> LeaveStudent {
    LeaveStudent {
        id: id.to_string(),
        name: student.map(|student| student.name.clone()).unwrap_or_default(),
        registration_no: student
            .map(|student| student.registration_no.clone())
            .unwrap_or_default(),
        room_no: student.and_then(|student| student.room_no.clone()),
        block: student.and_then(|student| student.block.clone()),
    }
}

pub(crate) fn leave_type(leave_type: LeaveType) -> message::LeaveType {
    match leave_type {
        LeaveType::Home => message::LeaveType::Home,
        LeaveType::Medical => message::LeaveType::Medical,
        LeaveType::Academic => message::LeaveType::Academic,
        LeaveType::Emergency => message::LeaveType::Emergency,
        LeaveType::Other => message::LeaveType::Other,
    }
}

fn guardian_word(guardian: Guardian, question: Option<Question>) -> GuardianWord {
    let letter = question.and_then(|question| question.letter);
    GuardianWord {
        state: guardian_state(guardian.state).into(),
        at: guardian.at.map(timestamp),
        letter: letter.map(|letter| letter_state(letter.state).into()),
        letter_at: letter.map(|letter| timestamp(letter.at)),
        link_expires_at: question.map(|question| timestamp(question.link_expires_at)),
    }
}

fn letter_state(state: LetterState) -> message::LetterState {
    match state {
        LetterState::Waiting => message::LetterState::Waiting,
        LetterState::Sent => message::LetterState::Sent,
        LetterState::Failed => message::LetterState::Failed,
    }
}

pub(crate) fn guardian_state(state: GuardianState) -> message::GuardianState {
    match state {
        GuardianState::None => message::GuardianState::None,
        GuardianState::Asked => message::GuardianState::Asked,
        GuardianState::Approved => message::GuardianState::Approved,
        GuardianState::Refused => message::GuardianState::Refused,
    }
}

fn decision(decision: &Decision) -> LeaveDecision {
    LeaveDecision {
        step: u32::try_from(decision.step + 1).unwrap_or(u32::MAX),
        verdict: decision.verdict.as_str().to_owned(),
        decided_by: decision.by.to_string(),
        role: kit::access::role_name(decision.role),
        comments: decision.comments.clone(),
        without_guardian: decision.without_guardian,
        decided_at: Some(timestamp(decision.at)),
    }
}
