//! What can go wrong in this service, turned into a fault in one place.

use chrono::{DateTime, Utc};
use kit::{Fault, clock::text, db, fault::Violation, port::PortError};
use sea_orm::DbErr;
use uuid::Uuid;

use crate::{
    domain::{FlagReview, Refusal, Word},
    rpc::convert_scans,
};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no such roll call")]
    UnknownSession,
    #[error("no such student")]
    UnknownStudent,
    /// The block and year have an open roll call already.
    #[error("the roll call {0} is open")]
    SessionActive(Uuid),
    #[error("the roll call is another guard's")]
    NotTheirSession,
    #[error("the roll call is closed")]
    SessionClosed,
    /// What it was about changed while it was at work.
    #[error("something changed meanwhile")]
    ChangedMeanwhile,
    #[error("the scan does not count: {}", .0.code())]
    Refused(Refusal),
    #[error("the student was marked at {0}")]
    AlreadyMarked(DateTime<Utc>),
    #[error("no such scan")]
    UnknownScan,
    /// The scan was certain: the guard was not asked.
    #[error("there is nothing to decide")]
    NothingToDecide,
    /// The guard, or a warden, was there first.
    #[error("the scan was decided before: {}", .0.as_str())]
    Decided(Word, DateTime<Utc>),
    #[error("the student does not belong to the roll call")]
    NotInSession,
    #[error("the report has more than {most} lines")]
    ReportTooLarge { most: usize },
    #[error("no such device")]
    UnknownDevice,
    #[error("the key is another's")]
    KeyTaken,
    #[error("the device is retired")]
    DeviceRetired,
    #[error("the student has many devices")]
    TooManyDevices,
    /// A scan was not signed by a device of the student.
    #[error("the device does not vouch for the scan: {0}")]
    DeviceMismatch(&'static str),
    #[error("no such flag")]
    UnknownFlag,
    #[error("somebody looked at the flag before")]
    FlagReviewed(Option<FlagReview>),
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

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::UnknownSession => Fault::not_found("This roll call"),
            Error::UnknownStudent => Fault::not_found("This student"),
            Error::SessionActive(id) => Fault::conflict(
                "SESSION_ACTIVE",
                "This block and year have an open roll call; close it first",
            )
            .detail("session_id", id.to_string()),
            Error::NotTheirSession => {
                Fault::forbidden("Only the guard who opened this roll call, and wardens, may do this")
            }
            Error::SessionClosed => Fault::refused("SESSION_CLOSED", "This roll call is closed"),
            Error::ChangedMeanwhile => Fault::conflict("CONFLICT", "Something changed at the same moment, try again"),
            Error::Refused(refusal) => convert_scans::refusal(refusal),
            Error::AlreadyMarked(at) => {
                Fault::conflict("ALREADY_MARKED", "You are marked present already").detail("scanned_at", text(at))
            }
            Error::UnknownScan => Fault::not_found("This scan"),
            Error::NothingToDecide => Fault::conflict(
                "NOTHING_TO_DECIDE",
                "What came of this scan was certain: there is nothing to decide",
            ),
            Error::Decided(word, at) => Fault::conflict("ALREADY_DECIDED", "This scan was decided already")
                .detail("decision", word.as_str())
                .detail("decided_at", text(at)),
            Error::NotInSession => Fault::refused(
                "NOT_IN_SESSION",
                "This student belongs neither to the block nor to the year of this roll call",
            ),
            Error::ReportTooLarge { most } => Fault::refused(
                "REPORT_TOO_LARGE",
                format!("This report has more than {most} lines; choose a shorter period, a block or a year, or take it as CSV"),
            )
            .detail("max_lines", most),
            Error::UnknownDevice => Fault::not_found("This device"),
            Error::KeyTaken => {
                Fault::conflict("CONFLICT", "This key belongs to another student").detail("field", "public_key")
            }
            Error::DeviceRetired => Fault::refused("DEVICE_RETIRED", "This device is retired; register another key"),
            Error::TooManyDevices => Fault::refused("TOO_MANY_DEVICES", "You have five devices; retire one first"),
            Error::DeviceMismatch(why) => Fault::refused(
                "DEVICE_MISMATCH",
                "This scan was not signed by one of your registered devices",
            )
            .detail("reason", why),
            Error::UnknownFlag => Fault::not_found("This flag"),
            Error::FlagReviewed(review) => reviewed(review),
            Error::Invalid(violations) => Fault::validation(violations),
            Error::Fault(fault) => fault,
            Error::Database(error) => db::fault(&error),
            Error::Port(error) => error.into(),
            Error::Inconsistent { .. } => Fault::internal(error),
        }
    }
}

/// Whoever comes second learns what was said.
fn reviewed(review: Option<FlagReview>) -> Fault {
    let fault = Fault::conflict("CONFLICT", "Somebody looked at this flag before");
    match review {
        None => fault,
        Some(review) => fault
            .detail("verdict", review.verdict.as_str())
            .detail("reviewed_by", review.by.to_string())
            .detail("note", review.note),
    }
}

impl From<Error> for tonic::Status {
    fn from(error: Error) -> Self {
        Fault::from(error).into()
    }
}
