//! The events that this service publishes. What somebody wrote is never told, and of a sensitive grievance not whose it is: events are
//! read by more people than have to know that, and kept for longer.

use kit::{
    Clock,
    access::{Caller, Identity},
    clock::timestamp,
    events::Draft,
};
use prost::{Message, Name};
use proto::{
    grievance::{
        GrievanceAnswered, GrievanceAsked, GrievanceAssigned, GrievanceClosed, GrievanceCommented, GrievanceEscalated,
        GrievanceImageAdded, GrievanceMerged, GrievanceOverdueAnnounced, GrievanceRaised, GrievanceRated,
        GrievanceRecord, GrievanceReopened, GrievanceResolved, GrievanceUpdated,
    },
    options::Role,
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
    /// The role that has to know by now, should it be late.
    pub to_role: Option<&'a str>,
}

/// Whoever tells something of a ticket.
struct Teller<'a> {
    clock: &'a Clock,
    caller: &'a Caller,
    ticket: &'a Ticket,
}

impl Teller<'_> {
    fn tells<M: Message + Name + 'static>(&self, event: &M) -> Draft {
        let (id, version) = (self.ticket.id, self.ticket.version);
        Draft::new(self.clock, &self.actor(), SOURCE, id, version, event)
    }

    /// What the student of a sensitive one does is done by nobody, from nowhere, as part of no request that somebody could know from
    /// elsewhere. Who it was stands in the history of the ticket, for those who are told.
    fn actor(&self) -> Caller {
        let is_student = matches!(
            self.caller.identity,
            Identity::User {
                role: Role::Student,
                ..
            }
        );
        if !self.ticket.sensitive || !is_student {
            return self.caller.clone();
        }
        Caller {
            identity: Identity::Nobody,
            request_id: String::new(),
            ip: None,
            user_agent: None,
            idempotency_key: None,
            traceparent: None,
        }
    }
}

/// A grievance was raised.
pub(crate) fn raised(clock: &Clock, caller: &Caller, ticket: &Ticket) -> Draft {
    Teller { clock, caller, ticket }.tells(&GrievanceRaised {
        grievance: Some(record(ticket)),
    })
}

/// What happened, by what changed: one event a step.
pub(crate) fn stepped(clock: &Clock, caller: &Caller, step: &Step) -> Draft {
    let Step { before, after, .. } = step;
    let ticket = *after;
    let teller = Teller { clock, caller, ticket };
    let grievance = Some(record(after));
    let changed: Vec<String> = step.changed.iter().map(|noted| noted.field.to_owned()).collect();
    if before.status() != after.status() {
        return state_changed(&teller, before, changed);
    }
    if before.rating != after.rating
        && let Some(rating) = &after.rating
    {
        let rating = rating.stars.into();
        return teller.tells(&GrievanceRated { grievance, rating });
    }
    let to_role = step.to_role.unwrap_or_default().to_owned();
    if before.timing.escalation < after.timing.escalation {
        return teller.tells(&GrievanceEscalated { grievance, to_role });
    }
    if before.timing.overdue_at.is_none() && after.timing.overdue_at.is_some() {
        return teller.tells(&GrievanceOverdueAnnounced { grievance, to_role });
    }
    if before.assigned_to != after.assigned_to {
        return teller.tells(&GrievanceAssigned {
            grievance,
            before: before.assigned_to.map(|id| id.to_string()),
            changed,
        });
    }
    teller.tells(&GrievanceUpdated { grievance, changed })
}

fn state_changed(teller: &Teller, before: &Ticket, changed: Vec<String>) -> Draft {
    let after = teller.ticket;
    let grievance = Some(record(after));
    match (before.status(), after.status()) {
        (Status::Resolved | Status::Closed, Status::Open) => teller.tells(&GrievanceReopened { grievance }),
        (_, Status::Waiting) => teller.tells(&GrievanceAsked { grievance }),
        (_, Status::Resolved) => teller.tells(&GrievanceResolved { grievance }),
        (_, Status::Closed) => teller.tells(&GrievanceClosed { grievance }),
        (_, Status::Merged) => teller.tells(&GrievanceMerged { grievance }),
        (Status::Waiting, _) => teller.tells(&GrievanceAnswered { grievance }),
        (_, Status::Open | Status::InProgress) => teller.tells(&GrievanceUpdated { grievance, changed }),
    }
}

/// What was written about a grievance was taken out of it.
pub(crate) fn forgotten(clock: &Clock, caller: &Caller, ticket: &Ticket) -> Draft {
    Teller { clock, caller, ticket }.tells(&GrievanceUpdated {
        grievance: Some(record(ticket)),
        changed: vec!["description".to_owned()],
    })
}

/// A picture was added.
pub(crate) fn image_added(clock: &Clock, caller: &Caller, ticket: &Ticket, image: Uuid) -> Draft {
    Teller { clock, caller, ticket }.tells(&GrievanceImageAdded {
        grievance: Some(record(ticket)),
        image_id: image.to_string(),
    })
}

/// Somebody said something that is not internal.
pub(crate) fn commented(clock: &Clock, caller: &Caller, ticket: &Ticket, comment: &Comment) -> Draft {
    Teller { clock, caller, ticket }.tells(&GrievanceCommented {
        grievance: Some(record(ticket)),
        comment_id: comment.id.to_string(),
        author_role: comment.author_role.clone(),
    })
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
        student_id: (!ticket.sensitive).then(|| ticket.student_id.to_string()),
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
