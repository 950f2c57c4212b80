//! What can go wrong in this service, turned into a fault in one place.

use kit::{Fault, db, fault::Violation, port::PortError};
use sea_orm::DbErr;

use crate::domain::user::Refusal;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("wrong identifier or password")]
    InvalidCredentials,
    #[error("the password is past its time")]
    PasswordExpired,
    #[error("no such refresh token")]
    UnknownToken,
    #[error("a spent refresh token was used again")]
    TokenReused,
    #[error("the session has ended")]
    SessionEnded,
    #[error("no such session")]
    UnknownSession,
    #[error("the keys were rotated by somebody else at the same moment: that rotation counts")]
    RotatedMeanwhile,
    #[error("tokens are signed with auth's token secret (HS256): change the secret instead of rotating keys")]
    SignsWithSecret,
    #[error("no such user")]
    UnknownUser,
    #[error("the address is taken")]
    EmailTaken,
    #[error("{0}")]
    Refused(#[from] Refusal),
    #[error("the role {0} is above the caller's own")]
    RoleAboveOwn(&'static str),
    #[error("the set-up link does not hold")]
    SetupLinkInvalid,
    #[error("the account follows a record")]
    FollowsRecord,
    #[error("the last administrator stays")]
    LastAdmin,
    #[error("too many sign-ins at once")]
    Busy,
    #[error("the one-time code is not valid")]
    CodeInvalid,
    #[error("the password was used before")]
    PasswordRepeated,
    #[error("the user has a password")]
    HasPassword,
    #[error("the account is deactivated")]
    Deactivated,
    #[error("the account changed meanwhile")]
    ChangedMeanwhile,
    #[error("the present password is wrong")]
    WrongPassword,
    #[error("the code is wrong, or was used")]
    WrongCode,
    #[error("the second step of signing in was refused")]
    ChallengeRefused,
    #[error("there is no second factor")]
    NoSecondFactor,
    #[error("the role must have a second factor")]
    SecondFactorRequired,
    #[error("no such key")]
    UnknownApiKey,
    #[error("the owner has as many keys as anybody may have")]
    TooManyKeys,
    #[error("the key is refused")]
    ApiKeyRefused,
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
            Error::PasswordExpired => Fault::refused(
                "PASSWORD_EXPIRED",
                "Your password is too old, set a new one with forgot-password",
            ),
            Error::UnknownToken => Fault::unauthenticated("This refresh token is not valid, sign in again"),
            Error::TokenReused => Fault {
                reason: "TOKEN_REUSED".into(),
                ..Fault::unauthenticated("This refresh token was used before, so the session was ended: sign in again")
            },
            Error::SessionEnded => Fault::unauthenticated("This session has ended, sign in again"),
            Error::UnknownSession => Fault::not_found("This session"),
            Error::RotatedMeanwhile | Error::SignsWithSecret => Fault::conflict("CONFLICT", error.to_string()),
            Error::UnknownUser => Fault::not_found("This user"),
            Error::EmailTaken => {
                Fault::conflict("CONFLICT", "This e-mail address is taken by another user").detail("field", "email")
            }
            Error::Refused(Refusal::AboveOwnRole) => Fault::forbidden("This account's role is above yours"),
            Error::Refused(Refusal::OwnAccount) => {
                Fault::refused("OWN_ACCOUNT", "You cannot deactivate your own account")
            }
            Error::Refused(Refusal::Erased) => Fault::refused("ERASED", "This account was erased, for good"),
            Error::SetupLinkInvalid => Fault::refused(
                "SETUP_LINK_INVALID",
                "This set-up link does not hold any more; the program prints a new one at its start while there are no users",
            ),
            Error::Refused(Refusal::OwnRole) => Fault::refused("OWN_ACCOUNT", "You cannot change your own role"),
            Error::Refused(Refusal::RoleAboveOwn) | Error::RoleAboveOwn(_) => {
                Fault::forbidden("You cannot give out a role above your own")
            }
            Error::FollowsRecord => Fault::refused(
                "FOLLOWS_RECORD",
                "This account follows a student's record: change the record, or make another account for another role",
            ),
            Error::LastAdmin => Fault::refused(
                "LAST_ADMIN",
                "This is the last active administrator: make another one first",
            ),
            Error::CodeInvalid => Fault::refused("OTP_INVALID", "This code is not valid; ask for a new one"),
            Error::PasswordRepeated => Fault::invalid("new_password", "must not be one of your last 3 passwords"),
            Error::HasPassword => Fault::refused(
                "HAS_PASSWORD",
                "This user has a password already and can have it reset by themselves",
            ),
            Error::Deactivated => Fault::refused("DEACTIVATED", "This account is deactivated; activate it first"),
            Error::Busy => Fault::unavailable("Many people are signing in at the moment, try again in a few seconds"),
            Error::ChangedMeanwhile => {
                Fault::conflict("CONFLICT", "The account was changed by somebody else, try again")
            }
            Error::WrongPassword => Fault::refused("WRONG_PASSWORD", "The current password is wrong"),
            Error::WrongCode => Fault::refused(
                "MFA_CODE_INVALID",
                "This code is wrong or was used before, wait for the next one",
            ),
            Error::ChallengeRefused => Fault {
                reason: "MFA_CODE_INVALID".into(),
                ..Fault::unauthenticated(
                    "This code is wrong, was used before, or came too late; try the next one or sign in again",
                )
            },
            Error::NoSecondFactor => Fault::refused("MFA_NOT_SET_UP", "Set up an authenticator app first"),
            Error::SecondFactorRequired => Fault::refused(
                "MFA_REQUIRED_BY_ROLE",
                "Your role needs a second factor, you can only replace it",
            ),
            Error::UnknownApiKey => Fault::not_found("This API key"),
            Error::TooManyKeys => Fault::refused(
                "TOO_MANY_KEYS",
                "You have 50 keys that hold, revoke one that is not needed any more",
            ),
            Error::ApiKeyRefused => Fault::unauthenticated("This API key is not valid here"),
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
