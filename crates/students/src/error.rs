//! What can go wrong in this service, turned into a fault in one place.

use kit::{Fault, db, fault::Violation, files::kept::KeptError, keyring::SealError, port::PortError};
use sea_orm::DbErr;
use uuid::Uuid;

use crate::domain::Refusal;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no such student")]
    UnknownStudent,
    #[error("no such room")]
    UnknownRoom,
    #[error("no such block")]
    UnknownBlock,
    #[error("no such document")]
    UnknownDocument,
    /// The value of this field belongs to somebody else.
    #[error("{0} is taken")]
    Taken(&'static str),
    #[error("the room number is taken in this block")]
    RoomTaken,
    #[error("the room is full")]
    RoomFull,
    #[error("more people live in the room than that")]
    CapacityBelowOccupancy,
    #[error("people live in the room")]
    RoomOccupied,
    #[error("the block has rooms")]
    BlockHasRooms,
    #[error("the student is deactivated")]
    Deactivated,
    #[error("the student is erased")]
    Erased,
    #[error("the record changed meanwhile")]
    ChangedMeanwhile,
    /// It took so long that what was reserved for it was given back.
    #[error("the registration took too long")]
    TooSlow,
    /// A request with the same key, or another change of the same account.
    #[error("another request is still at work on this")]
    StillAtWork,
    #[error("the student has as many documents as anybody may have")]
    TooManyDocuments,
    #[error("the link does not hold")]
    LinkRefused,
    /// The file store does not give what was kept in it. It is in the log, with what is missing or wrong.
    #[error("the file of document {0} is not what was kept")]
    FileLost(Uuid),
    #[error("fields are wrong")]
    Invalid(Vec<Violation>),
    #[error("{0}")]
    Fault(#[from] Fault),
    #[error("database: {0}")]
    Database(#[from] DbErr),
    #[error("{0}")]
    Port(#[from] PortError),
    #[error("sealed value: {0}")]
    Sealed(#[from] SealError),
    #[error("table {table}, row {row}: {what}")]
    Inconsistent {
        table: &'static str,
        row: Uuid,
        what: &'static str,
    },
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Deactivated => Self::Deactivated,
            Refusal::Erased => Self::Erased,
            Refusal::Term(wrong) => {
                let violations = wrong.fields().map(|(field, expected)| Violation::new(field, expected));
                Self::Invalid(violations.collect())
            }
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::UnknownStudent => Fault::not_found("This student"),
            Error::UnknownRoom => Fault::not_found("This room"),
            Error::UnknownBlock => Fault::not_found("This block"),
            Error::UnknownDocument => Fault::not_found("This document"),
            Error::Taken(field) => {
                let what = if field == "email" {
                    "e-mail address"
                } else {
                    "registration number"
                };
                Fault::conflict("CONFLICT", format!("This {what} is taken by somebody else")).detail("field", field)
            }
            Error::RoomTaken => {
                Fault::conflict("CONFLICT", "This block has a room of this number").detail("field", "room_no")
            }
            Error::RoomFull => Fault::refused("ROOM_FULL", "This room is full"),
            Error::CapacityBelowOccupancy => Fault::refused(
                "CAPACITY_BELOW_OCCUPANCY",
                "More people live in this room than that; move some of them first",
            ),
            Error::RoomOccupied => Fault::refused("ROOM_OCCUPIED", "People live in this room; move them first"),
            Error::BlockHasRooms => Fault::refused("BLOCK_HAS_ROOMS", "This block has rooms; remove them first"),
            Error::Deactivated => Fault::refused(
                "DEACTIVATED",
                "This student is deactivated; activate them first (is_active: true)",
            ),
            Error::Erased => Fault::refused("ERASED", "This student was erased; nothing of them can be changed"),
            Error::ChangedMeanwhile => {
                Fault::conflict("CONFLICT", "The record was changed by somebody else, try again")
            }
            Error::TooSlow => Fault::unavailable("This took too long and was undone, try again"),
            Error::StillAtWork => Fault::conflict(
                "CONFLICT",
                "Another request is still at work on this, try again shortly",
            ),
            Error::TooManyDocuments => Fault::refused(
                "TOO_MANY_DOCUMENTS",
                "This student has 100 documents; delete those that are not needed any more",
            ),
            Error::LinkRefused => Fault::forbidden("This link does not hold any more; ask for a new one"),
            Error::FileLost(_) => Fault::internal_unlogged(),
            Error::Invalid(violations) => Fault::validation(violations),
            Error::Fault(fault) => fault,
            Error::Database(error) => db::fault(&error),
            Error::Port(error) => error.into(),
            Error::Sealed(_) | Error::Inconsistent { .. } => Fault::internal(error),
        }
    }
}

impl From<KeptError> for Error {
    fn from(error: KeptError) -> Self {
        match error {
            KeptError::Database(error) => Self::Database(error),
            KeptError::Port(error) => Self::Port(error),
        }
    }
}

impl From<Error> for tonic::Status {
    fn from(error: Error) -> Self {
        Fault::from(error).into()
    }
}
