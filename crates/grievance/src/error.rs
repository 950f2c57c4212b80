//! What can go wrong in this service, turned into a fault in one place.

use chrono::{DateTime, Utc};
use kit::{Fault, clock::text, db, fault::Violation, port::PortError};
use sea_orm::DbErr;
use uuid::Uuid;

use crate::domain::{MOST_IMAGES, Refusal, Ticket};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Or nobody who asks may know of it.
    #[error("no such grievance")]
    UnknownTicket,
    #[error("no such picture")]
    UnknownImage,
    /// It changed, or it stands otherwise than that would need.
    #[error("the grievance {0} stands otherwise")]
    Stands(Box<Standing>),
    #[error("the grievance could be reopened until {0}")]
    ReopenTooLate(DateTime<Utc>),
    #[error("the grievance is not resolved")]
    NotResolved,
    #[error("the grievance is rated")]
    Rated(u8),
    /// It would be given to somebody who is no active member of staff.
    #[error("nobody of the staff")]
    NotStaff,
    #[error("the grievance cannot be merged: {0}")]
    CannotMerge(&'static str),
    #[error("the grievance has all the pictures that it may have")]
    TooManyImages,
    #[error("the link is not ours, or its time is over")]
    LinkRefused,
    /// A picture that was kept cannot be read any more.
    #[error("the picture {0} is lost")]
    ImageLost(Uuid),
    #[error("fields are wrong")]
    Invalid(Vec<Violation>),
    #[error("{0}")]
    Fault(#[from] Fault),
    #[error("database: {0}")]
    Database(#[from] DbErr),
    #[error("{0}")]
    Port(#[from] PortError),
    #[error("table {table}, row {row}: {what}")]
    Inconsistent {
        table: &'static str,
        row: Uuid,
        what: &'static str,
    },
}

/// How a grievance stands, for whoever wanted it otherwise.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Standing {
    pub ticket_id: String,
    pub status: &'static str,
    pub priority: &'static str,
    pub assigned_to: Option<Uuid>,
    pub version: i64,
}

impl Error {
    /// What it means that a ticket cannot go on as somebody wants.
    pub(crate) fn refusal(refusal: Refusal, ticket: &Ticket) -> Self {
        match refusal {
            Refusal::Stands => Self::stands(ticket),
            Refusal::TooLate(until) => Self::ReopenTooLate(until),
        }
    }

    pub(crate) fn stands(ticket: &Ticket) -> Self {
        Self::Stands(Box::new(Standing {
            ticket_id: ticket.number.to_string(),
            status: ticket.status().as_str(),
            priority: ticket.priority.as_str(),
            assigned_to: ticket.assigned_to,
            version: ticket.version,
        }))
    }
}

impl std::fmt::Display for Standing {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(to, "{}", self.ticket_id)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::UnknownTicket => Fault::not_found("This grievance"),
            Error::UnknownImage => Fault::not_found("This picture"),
            Error::Stands(standing) => stands(*standing),
            Error::ReopenTooLate(until) => Fault::refused(
                "REOPEN_TOO_LATE",
                "This grievance can be reopened no longer; raise a new one",
            )
            .detail("reopen_until", text(until)),
            Error::NotResolved => Fault::refused("NOT_RESOLVED", "This grievance is not resolved yet"),
            Error::Rated(stars) => {
                Fault::conflict("ALREADY_RATED", "You have rated this grievance already").detail("rating", stars)
            }
            Error::NotStaff => Fault::refused("NOT_STAFF", "Grievances are assigned to active members of staff")
                .detail("field", "assigned_to"),
            Error::CannotMerge(why) => Fault::refused("CANNOT_MERGE", why),
            Error::TooManyImages => Fault::refused("TOO_MANY_IMAGES", "This grievance has five pictures already")
                .detail("most", MOST_IMAGES),
            Error::LinkRefused => Fault::forbidden("This link is not good, or not any more; ask for a new one"),
            Error::ImageLost(_) => Fault::unavailable("This picture cannot be read at the moment"),
            Error::Invalid(violations) => Fault::validation(violations),
            Error::Fault(fault) => fault,
            Error::Database(error) => db::fault(&error),
            Error::Port(error) => error.into(),
            Error::Inconsistent { .. } => Fault::internal(error),
        }
    }
}

/// Whoever comes second learns what stands.
fn stands(standing: Standing) -> Fault {
    let message = format!("{} stands otherwise, look at it again", standing.ticket_id);
    Fault::conflict("CONFLICT", message)
        .detail("ticket_id", standing.ticket_id)
        .detail("status", standing.status)
        .detail("priority", standing.priority)
        .detail("assigned_to", standing.assigned_to.map(|id| id.to_string()))
        .detail("version", standing.version)
}

impl From<Error> for tonic::Status {
    fn from(error: Error) -> Self {
        Fault::from(error).into()
    }
}
