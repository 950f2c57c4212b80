//! What all operations share: the error envelope, the answers made of it, headers, parameters, the way to sign in.

use serde_json::{Map, Value, json};

use crate::cookie;

/// A moment for examples.
pub(super) const MOMENT: &str = "2026-08-01T09:30:00.000Z";

/// Status, name, code, what it means, an example's message.
const FAILURES: [(u16, &str, &str, &str, &str); 15] = [
    (
        400,
        "Invalid",
        "VALIDATION_ERROR",
        "The request is not as expected; each wrong field is named.",
        "Some fields are not as expected",
    ),
    (
        401,
        "Unauthenticated",
        "UNAUTHENTICATED",
        "No valid token, or wrong credentials.",
        "Sign in to do this",
    ),
    (
        403,
        "Forbidden",
        "FORBIDDEN",
        "This role may not do this.",
        "This is not allowed",
    ),
    (
        404,
        "NotFound",
        "NOT_FOUND",
        "It does not exist, or is not for the caller's eyes.",
        "This does not exist",
    ),
    (
        408,
        "TooSlow",
        "REQUEST_TIMEOUT",
        "The body came too slowly.",
        "The body came too slowly",
    ),
    (
        409,
        "Conflict",
        "CONFLICT",
        "It clashes with what is there, or the same request is still in flight.",
        "This is taken",
    ),
    (
        413,
        "TooLarge",
        "PAYLOAD_TOO_LARGE",
        "The body is too large.",
        "The body must be at most 65536 bytes",
    ),
    (
        414,
        "UriTooLong",
        "URI_TOO_LONG",
        "Path and query are too long.",
        "Path and query must be at most 8192 bytes",
    ),
    (
        415,
        "UnsupportedMediaType",
        "UNSUPPORTED_MEDIA_TYPE",
        "The body is of another media type.",
        "The body must be application/json",
    ),
    (
        426,
        "UpgradeRequired",
        "UPGRADE_REQUIRED",
        "The path is a stream.",
        "This path is a stream: open it as a WebSocket, or accept text/event-stream",
    ),
    (
        429,
        "RateLimited",
        "RATE_LIMITED",
        "Too many requests.",
        "Too many requests, try again later",
    ),
    (
        431,
        "HeadersTooLarge",
        "HEADERS_TOO_LARGE",
        "The headers are too large.",
        "The headers must be at most 32768 bytes",
    ),
    (
        500,
        "Internal",
        "INTERNAL",
        "Something went wrong on our side; the log knows it by the request id.",
        "Something went wrong on our side",
    ),
    (
        503,
        "Unavailable",
        "UNAVAILABLE",
        "A part of the system is away at the moment.",
        "The service is not reachable at the moment",
    ),
    (
        504,
        "DeadlineExceeded",
        "DEADLINE_EXCEEDED",
        "The answer took too long; whether it was done is not known.",
        "The answer took too long",
    ),
];

pub(super) fn timestamp() -> Value {
    json!({"type": "string", "format": "date-time", "description": "When the answer was made."})
}

pub(super) fn error_reference() -> Value {
    json!({"$ref": "#/components/schemas/Failure"})
}

pub(super) fn error_example(code: &str, message: &str, details: &Value) -> Value {
    let error = json!({"code": code, "message": message, "details": details});
    json!({"success": false, "error": error, "timestamp": MOMENT})
}

/// A reference to the answer for a status.
pub(super) fn response_reference(status: u16) -> Value {
    let name = FAILURES
        .iter()
        .find(|failure| failure.0 == status)
        .map_or("Internal", |failure| failure.1);
    json!({"$ref": format!("#/components/responses/{name}")})
}

/// The same as a page, where a person asked for one.
pub(super) fn refused_page(status: u16) -> Value {
    let failure = FAILURES.iter().find(|failure| failure.0 == status);
    page_response(failure.map_or("", |failure| failure.3))
}

/// A page that says why there is no other.
pub(super) fn page_response(description: &str) -> Value {
    json!({
        "description": description,
        "headers": header_references(),
        "content": {"text/html": {"schema": {"type": "string"}}},
    })
}

pub(super) fn responses() -> Map<String, Value> {
    let responses = FAILURES.iter().map(|(status, name, code, description, message)| {
        let details = match status {
            400 => json!([{"field": "email", "error": "must be an e-mail address"}]),
            _ => json!({}),
        };
        let schema = if *status == 400 {
            json!({"$ref": "#/components/schemas/ValidationFailure"})
        } else {
            error_reference()
        };
        let mut response = json!({
            "description": description,
            "headers": header_references(),
            "content": {"application/json": {"schema": schema, "example": error_example(code, message, &details)}},
        });
        let own = match status {
            401 => Some(("www-authenticate", "WwwAuthenticate")),
            426 => Some(("upgrade", "Upgrade")),
            429 | 503 => Some(("retry-after", "RetryAfter")),
            _ => None,
        };
        if let Some((header, component)) = own {
            response["headers"][header] = header_reference(component);
        }
        ((*name).to_owned(), response)
    });
    responses.collect()
}

/// 401 where a cookie may have been the cause: then it ends.
pub(super) fn unknown_cookie() -> Value {
    let mut response = responses().remove("Unauthenticated").unwrap_or_default();
    response["headers"]["set-cookie"] = header_reference("SetCookie");
    response
}

pub(super) fn schemas() -> Map<String, Value> {
    let failure = |details: Value, code: Value| {
        json!({
            "type": "object",
            "title": "Failure",
            "description": "What every failure looks like.",
            "required": ["success", "error", "timestamp"],
            "properties": {
                "success": {"const": false},
                "error": {
                    "type": "object",
                    "required": ["code", "message", "details"],
                    "properties": {
                        "code": code,
                        "message": {"type": "string", "description": "For a person."},
                        "details": details,
                    },
                },
                "timestamp": timestamp(),
            },
        })
    };
    let code = json!({"type": "string", "description": "For a program: stable and upper-case.", "pattern": "^[A-Z][A-Z0-9_]*$"});
    let fields = json!({
        "type": "array",
        "items": {
            "type": "object",
            "required": ["field", "error"],
            "properties": {
                "field": {"type": "string", "description": "The field's path, `scans[3].qr_token`; `body` for the whole."},
                "error": {"type": "string", "description": "What was expected."},
            },
        },
    });
    let facts = json!({"type": ["object", "array"], "description": "Facts beside the code."});
    let schemas = [
        ("Failure".to_owned(), failure(facts, code)),
        (
            "ValidationFailure".to_owned(),
            failure(fields, json!({"const": "VALIDATION_ERROR"})),
        ),
    ];
    schemas.into_iter().collect()
}

/// Headers by the names of their components.
pub(super) fn headers() -> Value {
    let text = |description: &str| json!({"description": description, "schema": {"type": "string"}});
    let number = |description: &str| json!({"description": description, "schema": {"type": "integer", "minimum": 0}});
    json!({
        "RequestId": text("The request's id: the client's own if it sent a sane one. Support asks for it."),
        "RateLimitLimit": number("Calls in the tightest budget that applies."),
        "RateLimitRemaining": number("Calls that are left of it."),
        "RateLimitReset": number("Seconds until all of it is there again."),
        "RetryAfter": number("Seconds to wait."),
        "WwwAuthenticate": text("`Bearer`."),
        "Upgrade": text("`websocket`."),
        "SetCookie": text(
            "The refresh token as the cookie `__Host-hostelpulse-refresh` (Secure, HttpOnly, SameSite=Strict), or its end; only where \
             the request asked for the cookie or sent it."
        ),
        "ContentDisposition": text("`attachment` with the file's name."),
    })
}

/// The headers of every answer of an rpc.
pub(super) fn header_references() -> Value {
    json!({
        "x-request-id": header_reference("RequestId"),
        "ratelimit-limit": header_reference("RateLimitLimit"),
        "ratelimit-remaining": header_reference("RateLimitRemaining"),
        "ratelimit-reset": header_reference("RateLimitReset"),
    })
}

pub(super) fn header_reference(component: &str) -> Value {
    json!({"$ref": format!("#/components/headers/{component}")})
}

pub(super) fn parameters() -> Value {
    json!({
        "IdempotencyKey": {
            "name": "Idempotency-Key",
            "in": "header",
            "required": false,
            "description": "Makes a repeated request safe: for 24 hours the same key, caller and body get the first answer again.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
        },
        "RefreshCookie": {
            "name": cookie::NAME,
            "in": "cookie",
            "required": false,
            "description": "The refresh token, where the body leaves it out. Counts only beside `X-Requested-With`, and only \
                            for pages of this host or of an origin that may call.",
            "schema": {"type": "string"},
        },
        "RequestedWith": {
            "name": cookie::BESIDE,
            "in": "header",
            "required": false,
            "description": "Any value. Without it the cookie is refused with 403: no page of another site can send it.",
            "schema": {"type": "string"},
        },
    })
}

pub(super) fn security_schemes() -> Value {
    json!({
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The access token of a sign-in.",
        },
    })
}
