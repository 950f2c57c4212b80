//! Pages of other origins: only those that the configuration names may call, with a token in a header; where the contract
//! has a cookie, theirs counts, too.

use actix_web::{
    HttpRequest,
    http::header::{self, HeaderMap, HeaderValue},
};

const ALLOWED_HEADERS: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, idempotency-key, x-request-id, traceparent, last-event-id, x-requested-with",
);
const EXPOSED_HEADERS: HeaderValue = HeaderValue::from_static(
    "x-request-id, retry-after, ratelimit-limit, ratelimit-remaining, ratelimit-reset, content-disposition",
);
const REMEMBERED_SECONDS: HeaderValue = HeaderValue::from_static("600");

/// The origins that may call.
pub(crate) struct Origins(Vec<(String, HeaderValue)>);

impl Origins {
    /// Origins that cannot stand in a header were refused with the configuration.
    pub(crate) fn new(origins: &[String]) -> Self {
        let values = origins.iter().filter_map(|origin| {
            let value = HeaderValue::from_str(origin).ok()?;
            Some((origin.clone(), value))
        });
        Self(values.collect())
    }

    /// Adds what a browser needs to hand the answer to the page.
    pub(crate) fn mark(&self, request: &HttpRequest, answer: &mut HeaderMap) {
        if self.0.is_empty() {
            return;
        }
        answer.insert(header::VARY, HeaderValue::from_static("origin"));
        if let Some(origin) = self.allowed(request) {
            answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
            // Without it a browser neither keeps nor sends the cookie for a page of another origin.
            answer.insert(
                header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
                HeaderValue::from_static("true"),
            );
        }
    }

    /// Adds the answer to a browser's question before the request.
    pub(crate) fn mark_preflight(&self, request: &HttpRequest, allow: &HeaderValue, answer: &mut HeaderMap) {
        let asked = request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        if asked && self.allowed(request).is_some() {
            answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, allow.clone());
            answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS);
            answer.insert(header::ACCESS_CONTROL_MAX_AGE, REMEMBERED_SECONDS);
        }
    }

    /// Whether the page behind a request is of this host or may call. For what browsers send without asking first:
    /// WebSockets and cookies. No origin at all is no page of another site.
    pub(crate) fn admits(&self, request: &HttpRequest) -> bool {
        let Some(origin) = request.headers().get(header::ORIGIN) else {
            return true;
        };
        let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
        let authority = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
        let own = authority.is_some_and(|(_, authority)| host.is_some_and(|host| host.eq_ignore_ascii_case(authority)));
        own || self.names(request)
    }

    /// Whether the configuration names the page behind a request.
    pub(crate) fn names(&self, request: &HttpRequest) -> bool {
        self.allowed(request).is_some()
    }

    fn allowed(&self, request: &HttpRequest) -> Option<&HeaderValue> {
        let origin = request.headers().get(header::ORIGIN)?.as_bytes();
        let found = self.0.iter().find(|(text, _)| text.as_bytes() == origin);
        found.map(|(_, value)| value)
    }
}
