//! A request that gets no data: the faults of services, and the few reasons that HTTP adds to them.

use std::{borrow::Cow, time::Duration};

use actix_web::http::StatusCode;
use kit::{
    Fault,
    fault::{Kind, Violation},
};
use serde_json::{Map, Value};

/// Why a request gets no data.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) code: Cow<'static, str>,
    pub(crate) message: Cow<'static, str>,
    pub(crate) details: Map<String, Value>,
    pub(crate) violations: Vec<Violation>,
    pub(crate) retry_after: Option<Duration>,
    /// What HTTP wants beside the status: `allow` of 405, `upgrade` of 426, a cookie's end.
    pub(crate) header: Option<(&'static str, Cow<'static, str>)>,
}

impl Refusal {
    fn new(status: StatusCode, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            code: code.into(),
            message: message.into(),
            details: Map::new(),
            violations: Vec::new(),
            retry_after: None,
            header: None,
        }
    }

    pub(crate) fn validation(violations: Vec<Violation>) -> Self {
        Fault::validation(violations).into()
    }

    pub(crate) fn invalid(field: impl Into<String>, error: impl Into<String>) -> Self {
        Fault::invalid(field, error).into()
    }

    pub(crate) fn no_such_path() -> Self {
        Fault::not_found("This path").into()
    }

    pub(crate) fn method_not_allowed(allow: &str) -> Self {
        let message = format!("This path answers to {allow}");
        let refusal = Self::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", message);
        refusal.with_header("allow", allow.to_owned())
    }

    pub(crate) fn unsupported_media_type(expected: &'static str) -> Self {
        let message = format!("The body must be {expected}");
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", message)
    }

    pub(crate) fn too_large(what: &str, limit: u64) -> Self {
        let message = format!("{what} must be at most {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, Kind::TooLarge.reason(), message)
    }

    pub(crate) fn uri_too_long(limit: usize) -> Self {
        let message = format!("Path and query must be at most {limit} bytes");
        Self::new(StatusCode::URI_TOO_LONG, "URI_TOO_LONG", message)
    }

    pub(crate) fn headers_too_large(limit: usize) -> Self {
        let message = format!("The headers must be at most {limit} bytes");
        Self::new(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "HEADERS_TOO_LARGE",
            message,
        )
    }

    pub(crate) fn too_slow() -> Self {
        let message = "The body came too slowly";
        Self::new(StatusCode::REQUEST_TIMEOUT, "REQUEST_TIMEOUT", message)
    }

    pub(crate) fn upgrade_needed() -> Self {
        let message = "This path is a stream: open it as a WebSocket, or accept text/event-stream";
        let refusal = Self::new(StatusCode::UPGRADE_REQUIRED, "UPGRADE_REQUIRED", message);
        refusal.with_header("upgrade", "websocket")
    }

    pub(crate) fn rate_limited(wait: Duration) -> Self {
        let message = "Too many requests, try again later";
        Self {
            retry_after: Some(wait),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, Kind::RateLimited.reason(), message)
        }
    }

    pub(crate) fn with_header(self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        Self {
            header: Some((name, value.into())),
            ..self
        }
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self {
            // Every kind's status is a valid one; the fallback is never reached.
            status: StatusCode::from_u16(fault.kind.http()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            code: fault.reason,
            message: fault.message,
            details: fault.details,
            violations: fault.violations,
            retry_after: fault.retry_after,
            header: None,
        }
    }
}
