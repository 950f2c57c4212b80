//! The one error that crosses an rpc boundary.
//!
//! A service's own errors become a [`Fault`] in one place; a fault travels as a gRPC status with `google.rpc` details;
//! the gateway turns it into the error envelope. What is unexpected is logged where it happens and says nothing outside.

use std::{borrow::Cow, collections::HashMap, fmt, time::Duration};

use serde_json::{Map, Value};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt as _};

/// The domain under which our reasons are unique.
const DOMAIN: &str = "hostelpulse";

/// What went wrong, for a program (kind and reason), for a person (message) and for a form (violations).
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    pub kind: Kind,
    /// Stable and upper-case: `LOCATION_MISMATCH`.
    pub reason: Cow<'static, str>,
    pub message: Cow<'static, str>,
    /// Facts beside the reason; for a validation error the violations stand instead.
    pub details: Map<String, Value>,
    pub violations: Vec<Violation>,
    pub retry_after: Option<Duration>,
}

/// A closed set: each kind is one gRPC code and one HTTP status. Two share a code: their reasons differ.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash)]
pub enum Kind {
    Validation,
    Unauthenticated,
    Forbidden,
    NotFound,
    Conflict,
    /// A rule of the domain refuses.
    Refused,
    TooLarge,
    /// A file is of no kind that is taken.
    UnsupportedMedia,
    RateLimited,
    Internal,
    Unavailable,
    DeadlineExceeded,
}

/// A field that is wrong, and what was expected.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Violation {
    pub field: String,
    pub error: String,
}

impl Violation {
    pub fn new(field: impl Into<String>, error: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            error: error.into(),
        }
    }
}

/// Collects what is wrong with the fields of a request, so that all of it is told at once.
#[derive(Debug, Default)]
pub struct Fields(Vec<Violation>);

impl Fields {
    /// The value, or its field noted as wrong.
    pub fn take<T, E: Into<String>>(&mut self, field: &str, parsed: Result<T, E>) -> Option<T> {
        parsed.map_err(|why| self.0.push(Violation::new(field, why))).ok()
    }

    /// A field noted as wrong.
    pub fn wrong(&mut self, field: &str, why: impl Into<String>) {
        self.0.push(Violation::new(field, why));
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What was noted.
    pub fn fault(self) -> Fault {
        Fault::validation(self.0)
    }
}

impl Kind {
    const ALL: [Self; 12] = [
        Self::Validation,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::Conflict,
        Self::Refused,
        Self::TooLarge,
        Self::UnsupportedMedia,
        Self::RateLimited,
        Self::Internal,
        Self::Unavailable,
        Self::DeadlineExceeded,
    ];

    /// The gRPC code, the HTTP status and the reason where a fault names none of its own.
    const fn face(self) -> (Code, u16, &'static str) {
        match self {
            Self::Validation => (Code::InvalidArgument, 400, "VALIDATION_ERROR"),
            Self::Unauthenticated => (Code::Unauthenticated, 401, "UNAUTHENTICATED"),
            Self::Forbidden => (Code::PermissionDenied, 403, "FORBIDDEN"),
            Self::NotFound => (Code::NotFound, 404, "NOT_FOUND"),
            Self::Conflict => (Code::AlreadyExists, 409, "CONFLICT"),
            Self::Refused => (Code::FailedPrecondition, 422, "REFUSED"),
            Self::TooLarge => (Code::OutOfRange, 413, "PAYLOAD_TOO_LARGE"),
            // gRPC has no code of its own for it; the reason tells it from a field that is wrong.
            Self::UnsupportedMedia => (Code::InvalidArgument, 415, "UNSUPPORTED_MEDIA_TYPE"),
            Self::RateLimited => (Code::ResourceExhausted, 429, "RATE_LIMITED"),
            Self::Internal => (Code::Internal, 500, "INTERNAL"),
            Self::Unavailable => (Code::Unavailable, 503, "UNAVAILABLE"),
            Self::DeadlineExceeded => (Code::DeadlineExceeded, 504, "DEADLINE_EXCEEDED"),
        }
    }

    pub const fn grpc(self) -> Code {
        self.face().0
    }

    pub const fn http(self) -> u16 {
        self.face().1
    }

    /// The reason of a fault that names none of its own.
    pub const fn reason(self) -> &'static str {
        self.face().2
    }

    /// The kind of a fault of ours.
    fn from_wire(code: Code, reason: &str) -> Self {
        let same = Self::ALL
            .into_iter()
            .find(|kind| kind.grpc() == code && kind.reason() == reason);
        same.unwrap_or_else(|| Self::from_grpc(code))
    }

    fn from_grpc(code: Code) -> Self {
        let same = Self::ALL.into_iter().find(|kind| kind.grpc() == code);
        same.unwrap_or(match code {
            // The client side of a deadline over a connection reports Cancelled.
            Code::Cancelled => Self::DeadlineExceeded,
            Code::Aborted => Self::Conflict,
            _ => Self::Internal,
        })
    }
}

impl Fault {
    pub fn new(kind: Kind, reason: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            reason: reason.into(),
            message: message.into(),
            details: Map::new(),
            violations: Vec::new(),
            retry_after: None,
        }
    }

    /// One or several fields are wrong.
    pub fn validation(violations: Vec<Violation>) -> Self {
        let fault = Self::new(
            Kind::Validation,
            Kind::Validation.reason(),
            "Some fields are not as expected",
        );
        Self { violations, ..fault }
    }

    /// One field is wrong.
    pub fn invalid(field: impl Into<String>, error: impl Into<String>) -> Self {
        Self::validation(vec![Violation::new(field, error)])
    }

    /// `expected` is what would be taken, in a sentence.
    pub fn unsupported_media(expected: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::UnsupportedMedia, Kind::UnsupportedMedia.reason(), expected)
    }

    pub fn unauthenticated(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Unauthenticated, Kind::Unauthenticated.reason(), message)
    }

    pub fn forbidden(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Forbidden, Kind::Forbidden.reason(), message)
    }

    /// `what` is the thing in a sentence: "This user".
    pub fn not_found(what: &str) -> Self {
        Self::new(
            Kind::NotFound,
            Kind::NotFound.reason(),
            format!("{what} does not exist"),
        )
    }

    pub fn conflict(reason: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Conflict, reason, message)
    }

    /// A rule of the domain refuses, by its own reason.
    pub fn refused(reason: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Refused, reason, message)
    }

    /// `what` is the thing in a sentence: "The file".
    pub fn too_large(what: &str, limit: u64) -> Self {
        Self::new(
            Kind::TooLarge,
            Kind::TooLarge.reason(),
            format!("{what} must be at most {limit} bytes"),
        )
    }

    pub fn unavailable(message: impl Into<Cow<'static, str>>) -> Self {
        let fault = Self::new(Kind::Unavailable, Kind::Unavailable.reason(), message);
        Self {
            retry_after: Some(Duration::from_secs(2)),
            ..fault
        }
    }

    pub fn deadline_exceeded() -> Self {
        Self::new(
            Kind::DeadlineExceeded,
            Kind::DeadlineExceeded.reason(),
            "The answer took too long",
        )
    }

    /// Something that should not happen: logged here with its cause, told to nobody.
    pub fn internal(cause: impl fmt::Display) -> Self {
        tracing::error!(%cause, "unexpected failure");
        Self::internal_unlogged()
    }

    /// The answer to something unexpected that is already in the log.
    pub fn internal_unlogged() -> Self {
        Self::new(
            Kind::Internal,
            Kind::Internal.reason(),
            "Something went wrong on our side",
        )
    }

    #[must_use]
    pub fn detail(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Reads a status that came over the wire, ours or a library's.
    pub fn from_status(status: &Status) -> Self {
        let sent = status.get_error_details();
        let Some(info) = sent.error_info().filter(|info| info.domain == DOMAIN) else {
            return Self::from_foreign(Kind::from_grpc(status.code()), status);
        };
        let kind = Kind::from_wire(status.code(), &info.reason);
        let details = info.metadata.iter().map(|(name, text)| {
            let value = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()));
            (name.clone(), value)
        });
        let violations = sent.bad_request().map_or_else(Vec::new, |bad| {
            bad.field_violations
                .iter()
                .map(|one| Violation::new(&one.field, &one.description))
                .collect()
        });
        Self {
            kind,
            reason: Cow::Owned(info.reason.clone()),
            message: Cow::Owned(status.message().to_owned()),
            details: details.collect(),
            violations,
            retry_after: sent.retry_info().and_then(|retry| retry.retry_delay),
        }
    }

    /// A status without our details was made by the transport: its words are not for the outside.
    fn from_foreign(kind: Kind, status: &Status) -> Self {
        match kind {
            // Nobody sent it: the connection broke under the call.
            Kind::Internal if std::error::Error::source(status).is_some() => {
                tracing::warn!(code = ?status.code(), why = status.message(), "a call broke off");
                Self::unavailable("The service went away, try again shortly")
            }
            Kind::Unavailable => Self::unavailable("The service is not reachable at the moment"),
            Kind::DeadlineExceeded => Self::deadline_exceeded(),
            // tonic refuses messages over the size limit with this code.
            Kind::TooLarge | Kind::RateLimited => {
                Self::new(Kind::TooLarge, Kind::TooLarge.reason(), "The message is too large")
            }
            Kind::Unauthenticated => Self::unauthenticated("Sign in to do this"),
            Kind::Forbidden => Self::forbidden("This is not allowed"),
            _ => Self::internal(format_args!(
                "status without details: {:?} {}",
                status.code(),
                status.message()
            )),
        }
    }
}

impl From<Fault> for Status {
    fn from(fault: Fault) -> Self {
        let metadata: HashMap<String, String> = fault
            .details
            .into_iter()
            .map(|(name, value)| (name, value.to_string()))
            .collect();
        let mut details = ErrorDetails::new();
        details.set_error_info(fault.reason, DOMAIN, metadata);
        if !fault.violations.is_empty() {
            let violations = fault
                .violations
                .into_iter()
                .map(|one| FieldViolation::new(one.field, one.error));
            details.set_bad_request(violations.collect::<Vec<_>>());
        }
        if let Some(wait) = fault.retry_after {
            details.set_retry_info(Some(wait));
        }
        Status::with_error_details(fault.kind.grpc(), fault.message, details)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}: {}", self.reason, self.message)?;
        for violation in &self.violations {
            write!(to, "; {}: {}", violation.field, violation.error)?;
        }
        Ok(())
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_survives_the_wire() {
        let fault = Fault::refused("LOCATION_MISMATCH", "You are too far away")
            .detail("distance_meters", 5.3)
            .detail("session", "A")
            .retry_after(Duration::from_secs(3));
        assert_eq!(Fault::from_status(&Status::from(fault.clone())), fault);
        let fault = Fault::validation(vec![
            Violation::new("phone", "must be 10 digits"),
            Violation::new("name", "is needed"),
        ]);
        assert_eq!(Fault::from_status(&Status::from(fault.clone())), fault);
    }

    #[test]
    fn every_kind_survives_the_wire() {
        for kind in Kind::ALL {
            let fault = Fault::new(kind, kind.reason(), "why");
            assert_eq!(Fault::from_status(&Status::from(fault)).kind, kind);
        }
    }

    #[test]
    fn a_connection_that_breaks_under_a_call_is_no_failure_of_ours() {
        let broken = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        let fault = Fault::from_status(&Status::from_error(Box::new(broken)));
        assert_eq!(fault.kind, Kind::Unavailable);
        assert!(fault.retry_after.is_some());
    }

    #[test]
    fn words_of_the_transport_stay_inside() {
        let fault = Fault::from_status(&Status::unknown("transport error: connection to 10.0.0.3 refused"));
        assert_eq!(fault.kind, Kind::Internal);
        assert!(!fault.message.contains("10.0.0.3"));
    }
}
