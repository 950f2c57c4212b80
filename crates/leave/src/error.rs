//! What can go wrong in this service, turned into a fault in one place.

mod gate;

use chrono::NaiveDate;
use kit::{Fault, clock::text, db, files::kept::KeptError, keyring::SealError, port::PortError};
use sea_orm::DbErr;
use uuid::Uuid;

use crate::domain::{Approver, Broken, Days, GateRefusal, GuardianState, LinkRefusal, Refusal, StateName, TakenStep};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no such leave")]
    UnknownLeave,
    #[error("no such student")]
    UnknownStudent,
    #[error("nobody said where the student's guardian is written to")]
    UnknownGuardian,
    #[error("no such document")]
    UnknownDocument,
    /// It was rejected or taken back.
    #[error("the leave takes no document any more")]
    TakesNoDocument(StateName),
    /// The leave was granted on it.
    #[error("the document of a granted leave stays")]
    DocumentKept,
    #[error("the link does not hold")]
    LinkRefused,
    /// The file store does not give what was kept in it. It is in the log, with what is missing or wrong.
    #[error("the file of document {0} is not what was kept")]
    FileLost(Uuid),
    /// It took so long that its file was given up.
    #[error("the upload took too long")]
    TooSlow,
    /// The student has a leave on one of the days.
    #[error("the leave {id} has days of these")]
    Overlap { id: Uuid, days: Days },
    #[error("the rules refuse: {0:?}")]
    Broken(Broken),
    #[error("nothing comes of it: {0:?}")]
    Refused(Refusal),
    /// The kind of leave asks for a guardian, and nobody said where to write to them.
    #[error("the student's guardian is not known")]
    GuardianUnknown,
    #[error("nobody goes through the gate: {0:?}")]
    Gate(GateRefusal),
    #[error("the link leads nowhere: {0:?}")]
    Link(LinkRefusal),
    /// The student has so many requests that nobody decided on.
    #[error("{most} leaves wait already")]
    TooManyPending { most: u32 },
    /// The student's guardian was written to so often today.
    #[error("{most} letters to the guardian today already")]
    TooManyLetters { most: u32 },
    #[error("more than {most} leaves in the calendar")]
    CalendarTooLarge { most: u64 },
    /// What it was about changed while it was at work.
    #[error("something changed meanwhile")]
    ChangedMeanwhile,
    #[error("{0}")]
    Fault(#[from] Fault),
    #[error("database: {0}")]
    Database(#[from] DbErr),
    #[error("{0}")]
    Port(#[from] PortError),
    #[error("a sealed value: {0}")]
    Sealed(#[from] SealError),
    #[error("table {table}, row {row}: {what}")]
    Inconsistent {
        table: &'static str,
        row: Uuid,
        what: &'static str,
    },
}

impl From<KeptError> for Error {
    fn from(error: KeptError) -> Self {
        match error {
            KeptError::Database(error) => Self::Database(error),
            KeptError::Port(error) => Self::Port(error),
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::UnknownLeave => Fault::not_found("This leave"),
            Error::UnknownStudent => Fault::not_found("This student"),
            Error::UnknownGuardian => Fault::not_found("The address of this student's guardian"),
            Error::UnknownDocument => Fault::not_found("This document"),
            Error::TakesNoDocument(state) => Fault::refused(
                "LEAVE_DECIDED",
                "This leave is over and done with: it takes no document any more",
            )
            .detail("status", state.as_str()),
            Error::DocumentKept => Fault::refused(
                "DOCUMENT_KEPT",
                "This leave is granted: its document stays as it is; ask a warden",
            ),
            Error::LinkRefused => Fault::forbidden("This link does not hold any more; ask for a new one"),
            Error::FileLost(_) => Fault::internal_unlogged(),
            Error::TooSlow => Fault::unavailable("This took too long and was undone, try again"),
            Error::Overlap { id, days } => {
                Fault::conflict("LEAVE_OVERLAP", "There is a leave on some of these days already")
                    .detail("leave_id", id.to_string())
                    .detail("from_date", day(days.from()))
                    .detail("to_date", day(days.to()))
            }
            Error::Broken(broken) => broken_rule(broken),
            Error::Refused(refusal) => refused(refusal),
            Error::GuardianUnknown => Fault::refused(
                "GUARDIAN_UNKNOWN",
                "This kind of leave asks for a guardian's word, and nobody knows where to write to yours; ask a warden",
            ),
            Error::Gate(refusal) => gate::gate(refusal),
            Error::Link(refusal) => gate::link(refusal),
            Error::TooManyPending { most } => Fault::refused(
                "TOO_MANY_PENDING",
                format!("{most} leaves wait for a decision already; take one back or wait"),
            )
            .detail("most", most),
            Error::TooManyLetters { most } => Fault::refused(
                "TOO_MANY_LETTERS",
                format!("This student's guardian was asked {most} times today already; try again tomorrow"),
            )
            .detail("most", most),
            Error::CalendarTooLarge { most } => Fault::refused(
                "CALENDAR_TOO_LARGE",
                format!("There are more than {most} leaves in this period; ask for a shorter one"),
            )
            .detail("most", most),
            Error::ChangedMeanwhile => Fault::conflict("CONFLICT", "Something changed at the same moment, try again"),
            Error::Fault(fault) => fault,
            Error::Database(error) => db::fault(&error),
            Error::Port(error) => error.into(),
            Error::Sealed(_) | Error::Inconsistent { .. } => Fault::internal(error),
        }
    }
}

fn broken_rule(broken: Broken) -> Fault {
    match broken {
        Broken::TooLong { max_days } => Fault::refused(
            "LEAVE_TOO_LONG",
            format!("A leave of this kind has at most {max_days} days"),
        )
        .detail("max_days", max_days),
        Broken::NoticeTooShort { notice_hours } => Fault::refused(
            "NOTICE_TOO_SHORT",
            format!("A leave of this kind is asked for {notice_hours} hours before its first day"),
        )
        .detail("notice_hours", notice_hours),
        Broken::NotRetroactive => Fault::refused(
            "NOT_RETROACTIVE",
            "A leave of this kind cannot be asked for once it has begun",
        ),
    }
}

fn refused(refusal: Refusal) -> Fault {
    match refusal {
        Refusal::Decided(state, decided) => Fault::conflict("ALREADY_DECIDED", decided_words(state))
            .detail("status", state.as_str())
            .detail("decided_by", decided.by.to_string())
            .detail("decided_at", text(decided.at)),
        Refusal::StepTaken(TakenStep { step, taken, waits_for }) => {
            Fault::conflict("ALREADY_DECIDED", decided_words(StateName::Pending))
                .detail("status", StateName::Pending.as_str())
                .detail("decided_by", taken.by.to_string())
                .detail("decided_at", text(taken.at))
                .detail("step", step + 1)
                .detail("waits_for", waits_for.as_str())
        }
        Refusal::NotYourTurn(approver) => Fault::refused(
            "NOT_YOUR_TURN",
            match approver {
                Approver::Warden => "A warden's word is waited for",
                Approver::Admin => "An administrator's word is waited for",
            },
        )
        .detail("waits_for", approver.as_str()),
        Refusal::SameApprover => Fault::refused(
            "NOT_YOUR_TURN",
            "You approved the step before; this one is for somebody else",
        ),
        Refusal::DocumentRequired => Fault::refused(
            "DOCUMENT_REQUIRED",
            "A leave of this kind is not granted without a document",
        ),
        Refusal::GuardianNotApproved(state) => {
            Fault::refused("GUARDIAN_NOT_APPROVED", guardian_words(state)).detail("guardian", state.as_str())
        }
        Refusal::Ended(day) => gate::gate(GateRefusal::Ended(day)),
        Refusal::Begun => Fault::refused("LEAVE_BEGUN", "This leave has begun: it ends with the student's return"),
        Refusal::NotApproved(state) => {
            Fault::refused("LEAVE_NOT_APPROVED", "This leave is not granted").detail("status", state.as_str())
        }
    }
}

fn decided_words(state: StateName) -> &'static str {
    match state {
        StateName::Pending => "This step was approved already; the leave waits for the next approver",
        StateName::Approved => "This leave was approved already",
        StateName::Rejected => "This leave was rejected already",
        StateName::Cancelled => "This leave was cancelled already",
    }
}

fn guardian_words(state: GuardianState) -> &'static str {
    match state {
        GuardianState::Refused => "The guardian does not agree",
        GuardianState::None | GuardianState::Asked | GuardianState::Approved => "The guardian did not answer yet",
    }
}

fn day(day: NaiveDate) -> String {
    day.to_string()
}

impl From<Error> for tonic::Status {
    fn from(error: Error) -> Self {
        Fault::from(error).into()
    }
}
