//! The events that this service publishes. What somebody wrote is never told.

use kit::{Clock, access::Caller, clock::timestamp, events::Draft};
use proto::grievance::{
    GrievanceAnswered, GrievanceAsked, GrievanceAssigned, GrievanceClosed, GrievanceCommented, GrievanceEscalated,
    GrievanceImageAdded, GrievanceMerged, GrievanceOverdueAnnounced, GrievanceRaised, GrievanceRated, GrievanceRecord,
    GrievanceReopened, GrievanceResolved, GrievanceUpdated,
};
use uuid::Uuid;

use crate::{
    domain::{Comment, Noted, State, Status, Ticket},
    rpc::convert,
};

pub(crate) const SOURCE: &str = "grievance";

/// What is told of a step beside the ticket as it is after it.
pub(crate) struct Step<'a> {
    pub before: &'a Ticket,
    pub after: &'a Ticket,
    pub changed: &'a [Noted],
    /// Who was told now, where that is what happened.
    pub escalated_to: Option<&'a str>,
}

/// A grievance was raised.
pub(crate) fn raised(clock: &Clock, caller: &Caller, ticket: &Ticket) -> Draft {
    let event = GrievanceRaised {
        grievance: Some(record(ticket)),
    };
    Draft::new(clock, caller, SOURCE, ticket.id, ticket.version, &event)
}

/// What happened, by what changed: one event a step.
pub(crate) fn stepped(clock: &Clock, caller: &Caller, step: &Step) -> Draft {
    let Step { before, after, .. } = step;
    let grievance = Some(record(after));
    let (id, version) = (after.id, after.version);
    let changed: Vec<String> = step.changed.iter().map(|noted| noted.field.to_owned()).collect();
    if before.status() != after.status() {
        return state_changed(clock, caller, (before, after), changed);
    }
    if before.rating != after.rating
        && let Some(rating) = &after.rating
    {
        let rating = rating.stars.into();
        return Draft::new(
            clock,
            caller,
            SOURCE,
            id,
            version,
            &GrievanceRated { grievance, rating },
        );
    }
    if let Some(role) = step.escalated_to {
        let to_role = role.to_owned();
        return Draft::new(
            clock,
            caller,
            SOURCE,
            id,
            version,
            &GrievanceEscalated { grievance, to_role },
        );
    }
    if before.timing.overdue_at.is_none() && after.timing.overdue_at.is_some() {
        return Draft::new(
            clock,
            caller,
            SOURCE,
            id,
            version,
            &GrievanceOverdueAnnounced { grievance },
        );
    }
    if before.assigned_to != after.assigned_to {
        let before = before.assigned_to.map(|id| id.to_string());
        let event = GrievanceAssigned {
            grievance,
            before,
            changed,
        };
        return Draft::new(clock, caller, SOURCE, id, version, &event);
    }
    Draft::new(
        clock,
        caller,
        SOURCE,
        id,
        version,
        &GrievanceUpdated { grievance, changed },
    )
}

fn state_changed(clock: &Clock, caller: &Caller, (before, after): (&Ticket, &Ticket), changed: Vec<String>) -> Draft {
    let grievance = Some(record(after));
    let (id, version) = (after.id, after.version);
    match (before.status(), after.status()) {
        (Status::Resolved | Status::Closed, Status::Open) => {
            Draft::new(clock, caller, SOURCE, id, version, &GrievanceReopened { grievance })
        }
        (_, Status::Waiting) => Draft::new(clock, caller, SOURCE, id, version, &GrievanceAsked { grievance }),
        (_, Status::Resolved) => Draft::new(clock, caller, SOURCE, id, version, &GrievanceResolved { grievance }),
        (_, Status::Closed) => Draft::new(clock, caller, SOURCE, id, version, &GrievanceClosed { grievance }),
        (_, Status::Merged) => Draft::new(clock, caller, SOURCE, id, version, &GrievanceMerged { grievance }),
        (Status::Waiting, _) => Draft::new(clock, caller, SOURCE, id, version, &GrievanceAnswered { grievance }),
        (_, Status::Open | Status::InProgress) => Draft::new(
            clock,
            caller,
            SOURCE,
            id,
            version,
            &GrievanceUpdated { grievance, changed },
        ),
    }
}

/// What was written about a grievance was taken out of it.
pub(crate) fn forgotten(clock: &Clock, caller: &Caller, ticket: &Ticket) -> Draft {
    let event = GrievanceUpdated {
        grievance: Some(record(ticket)),
        changed: vec!["description".to_owned()],
    };
    Draft::new(clock, caller, SOURCE, ticket.id, ticket.version, &event)
}

/// A picture was added.
pub(crate) fn image_added(clock: &Clock, caller: &Caller, ticket: &Ticket, image: Uuid) -> Draft {
    let event = GrievanceImageAdded {
        grievance: Some(record(ticket)),
        image_id: image.to_string(),
    };
    Draft::new(clock, caller, SOURCE, ticket.id, ticket.version, &event)
}

/// Somebody said something that is not internal.
pub(crate) fn commented(clock: &Clock, caller: &Caller, ticket: &Ticket, comment: &Comment) -> Draft {
    let event = GrievanceCommented {
        grievance: Some(record(ticket)),
        comment_id: comment.id.to_string(),
        author_role: comment.author_role.clone(),
    };
    Draft::new(clock, caller, SOURCE, ticket.id, ticket.version, &event)
}

fn record(ticket: &Ticket) -> GrievanceRecord {
    let merged_into = match ticket.state {
        State::Merged { into, .. } => Some(into.to_string()),
        _ => None,
    };
    GrievanceRecord {
        id: ticket.id.to_string(),
        ticket_id: ticket.number.to_string(),
        version: ticket.version,
        student_id: ticket.student_id.to_string(),
        category: ticket.category.clone(),
        sub_category: ticket.sub_category.clone(),
        priority: convert::priority(ticket.priority).into(),
        status: convert::status(ticket.status()).into(),
        sensitive: ticket.sensitive,
        assigned_to: ticket.assigned_to.map(|id| id.to_string()),
        due_at: ticket.timing.due_at.map(timestamp),
        merged_into,
    }
}
