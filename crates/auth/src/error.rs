//! What can go wrong in this service, turned into a fault in one place.

use kit::{Fault, db, fault::Violation, port::PortError};
use sea_orm::DbErr;

use crate::domain::user::Refusal;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("wrong identifier or password")]
    InvalidCredentials,
    #[error("no such user")]
    UnknownUser,
    #[error("the address is taken")]
    EmailTaken,
    #[error("{0}")]
    Refused(#[from] Refusal),
    #[error("the role {0} is above the caller's own")]
    RoleAboveOwn(&'static str),
    #[error("the last administrator stays")]
    LastAdmin,
    #[error("too many sign-ins at once")]
    Busy,
    #[error("the account changed meanwhile")]
    ChangedMeanwhile,
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
        row: String,
        what: &'static str,
    },
    #[error("token: {0}")]
    Token(#[from] jsonwebtoken::errors::Error),
    #[error("hash: {0}")]
    Hash(#[from] bcrypt::BcryptError),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::InvalidCredentials => Fault {
                reason: "INVALID_CREDENTIALS".into(),
                ..Fault::unauthenticated("Identifier or password is wrong")
            },
            Error::UnknownUser => Fault::not_found("This user"),
            Error::EmailTaken => {
                Fault::conflict("CONFLICT", "This e-mail address is taken by another user").detail("field", "email")
            }
            Error::Refused(Refusal::AboveOwnRole) => Fault::forbidden("This account's role is above yours"),
            Error::Refused(Refusal::OwnAccount) => {
                Fault::refused("OWN_ACCOUNT", "You cannot deactivate your own account")
            }
            Error::RoleAboveOwn(_) => Fault::forbidden("You cannot give out a role above your own"),
            Error::LastAdmin => Fault::refused("LAST_ADMIN", "The last active administrator cannot be deactivated"),
            Error::Busy => Fault::unavailable("Many people are signing in at the moment, try again in a few seconds"),
            Error::ChangedMeanwhile => {
                Fault::conflict("CONFLICT", "The account was changed by somebody else, try again")
            }
            Error::Invalid(violations) => Fault::validation(violations),
            Error::Fault(fault) => fault,
            Error::Database(error) => db::fault(&error),
            Error::Port(error) => error.into(),
            Error::Inconsistent { .. } | Error::Token(_) | Error::Hash(_) => Fault::internal(error),
        }
    }
}

impl From<Error> for tonic::Status {
    fn from(error: Error) -> Self {
        Fault::from(error).into()
    }
}
