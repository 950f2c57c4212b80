//! Between messages and the domain.

use kit::{
    Fault,
    fault::{Fields, Violation},
    page::Paging,
};
use proto::grievance::{GrievancePriority, GrievanceStatus};

use crate::domain::{Priority, Status, TicketRef};

/// How a request names a ticket.
pub(crate) fn ticket(field: &str, text: &str) -> Result<TicketRef, Fault> {
    TicketRef::parse(text).map_err(|expected| Fault::invalid(field, expected))
}

pub(crate) fn status(status: Status) -> GrievanceStatus {
    match status {
        Status::Open => GrievanceStatus::Open,
        Status::InProgress => GrievanceStatus::InProgress,
        Status::Waiting => GrievanceStatus::Waiting,
        Status::Resolved => GrievanceStatus::Resolved,
        Status::Closed => GrievanceStatus::Closed,
        Status::Merged => GrievanceStatus::Merged,
    }
}

pub(crate) fn priority(priority: Priority) -> GrievancePriority {
    match priority {
        Priority::High => GrievancePriority::High,
        Priority::Medium => GrievancePriority::Medium,
        Priority::Low => GrievancePriority::Low,
    }
}

/// Text of several lines, trimmed; what is wrong is noted in its field.
pub(crate) fn text(fields: &mut Fields, field: &str, given: &str, (least, most): (usize, usize)) -> Option<String> {
    let odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    let text = given.trim();
    let length = text.chars().count();
    let checked = if text.is_empty() {
        Err("is required".to_owned())
    } else if text.contains(odd) {
        Err("must not contain control characters".to_owned())
    } else if length < least || length > most {
        Err(format!("must have {least} to {most} characters"))
    } else {
        Ok(text.to_owned())
    };
    fields.take(field, checked)
}

/// What the kit parses; what it finds wrong is noted in its fields.
pub(crate) fn noted<T>(fields: &mut Fields, parsed: Result<T, Fault>) -> Option<T> {
    match parsed {
        Ok(value) => Some(value),
        Err(fault) => {
            for Violation { field, error } in fault.violations {
                fields.wrong(&field, error);
            }
            None
        }
    }
}

/// A ticket, and which page of what belongs to it.
pub(crate) fn page_of(id: &str, page: Option<u32>, limit: Option<u32>) -> Result<(TicketRef, Paging), Fault> {
    let mut fields = Fields::default();
    let ticket = fields.take("id", TicketRef::parse(id));
    let paging = noted(&mut fields, Paging::new(page, limit));
    ticket.zip(paging).ok_or_else(|| fields.fault())
}
