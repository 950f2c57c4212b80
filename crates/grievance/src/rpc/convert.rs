//! Between messages and the domain.

use kit::{Fault, fault::Fields};
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
