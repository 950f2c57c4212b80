//! What changes of a ticket are noted, each field by itself.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::Ticket;

/// A change of one field of a ticket; nothing of it is ever changed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Change {
    pub id: Uuid,
    pub ticket_id: Uuid,
    pub field: String,
    pub before: Option<String>,
    pub after: Option<String>,
    /// `None` where it was the service itself.
    pub author: Option<Uuid>,
    /// `student`, `staff`, `warden`, `admin` or `system`.
    pub author_role: String,
    /// Not for the student.
    pub internal: bool,
    pub changed_at: DateTime<Utc>,
}

/// What is noted of a field.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Noted {
    pub field: &'static str,
    pub before: Option<String>,
    pub after: Option<String>,
}

/// The fields in which two states of a ticket differ, as they are noted and told.
pub fn differences(before: &Ticket, after: &Ticket) -> Vec<Noted> {
    let text = |text: &str| Some(text.to_owned());
    let id = |id: Option<Uuid>| id.map(|id| id.to_string());
    let resolution = |ticket: &Ticket| {
        ticket
            .state
            .resolution()
            .and_then(|resolution| resolution.comments.clone())
    };
    let target = |ticket: &Ticket| match ticket.state {
        super::State::Merged { into, .. } => Some(into.to_string()),
        _ => None,
    };
    let rating = |ticket: &Ticket| ticket.rating.as_ref().map(|rating| rating.stars.to_string());
    let fields = [
        ("status", text(before.status().as_str()), text(after.status().as_str())),
        (
            "priority",
            text(before.priority.as_str()),
            text(after.priority.as_str()),
        ),
        ("assigned_to", id(before.assigned_to), id(after.assigned_to)),
        ("resolution_comments", resolution(before), resolution(after)),
        ("merged_into", target(before), target(after)),
        ("rating", rating(before), rating(after)),
        (
            "overdue",
            before.timing.overdue_at.map(|_| "true".to_owned()),
            after.timing.overdue_at.map(|_| "true".to_owned()),
        ),
        (
            "escalation",
            text(&before.timing.escalation.to_string()),
            text(&after.timing.escalation.to_string()),
        ),
    ];
    let differing = fields.into_iter().filter(|(_, before, after)| before != after);
    differing
        .map(|(field, before, after)| Noted { field, before, after })
        .collect()
}
