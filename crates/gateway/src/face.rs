//! One request from its first to its last byte: what it is for, what comes back, and what is written down of it.

use std::{net::IpAddr, panic::AssertUnwindSafe, sync::Arc, time::Instant};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        Method, StatusCode,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    web::Payload,
};
use futures_util::FutureExt as _;
use kit::{
    Clock, Fault,
    access::{API_KEY_PREFIX, Identity, ServiceTokens, Verifier},
    cache::Limiter,
    telemetry,
};
use serde_json::{Map, Value};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::{
    Config, MetricsText,
    client::{self, clients_trace},
    cors::Origins,
    docs::Docs,
    endpoint::{Endpoint, Serves, Target},
    envelope,
    figures::Tally,
    health::Health,
    input,
    limits::{Asking, Exhausted, Figures, Limit, Spent, look, spend},
    refusal::Refusal,
    routes::Route,
    shapes,
    tree::Tree,
    visit::Visit,
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// Everything that requests are served with.
pub(crate) struct Face {
    pub(crate) config: Config,
    pub(crate) tree: Tree<Endpoint>,
    pub(crate) verifier: Verifier,
    pub(crate) service_tokens: ServiceTokens,
    pub(crate) limiter: Arc<Limiter>,
    pub(crate) clock: Clock,
    pub(crate) origins: Origins,
    pub(crate) user_limit: [Limit; 1],
    pub(crate) anonymous_limit: [Limit; 1],
    /// Room for requests that are under way.
    pub(crate) room: Semaphore,
    /// Cancelled when streams must end.
    pub(crate) stopping: CancellationToken,
    pub(crate) health: Health,
    pub(crate) docs: Docs,
    pub(crate) metrics: Option<MetricsText>,
    /// Requests that found no endpoint.
    pub(crate) lost: Tally,
}

/// What is known of a request when it is answered.
struct Outcome {
    answer: Result<HttpResponse, Refusal>,
    figures: Option<Figures>,
}

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        Self {
            answer: Err(refusal),
            figures: None,
        }
    }
}

impl Face {
    /// The limits of a request: the rpc's own, else the general budget of whoever asks.
    pub(crate) fn limits_of<'a>(&'a self, route: &'a Route, identity: &Identity) -> &'a [Limit] {
        match identity {
            _ if !self.config.limits.enabled => &[],
            _ if !route.limits.is_empty() => &route.limits,
            Identity::User { .. } => &self.user_limit,
            Identity::Nobody | Identity::Service { .. } => &self.anonymous_limit,
        }
    }

    /// Answers one request, whatever happens.
    pub(crate) async fn serve(&self, request: HttpRequest, payload: Payload) -> HttpResponse {
        let begun = Instant::now();
        let request_id = crate::client::request_id(request.headers(), &self.clock);
        let path = request.uri().path();
        let mut parameters = Vec::new();
        let endpoint = self.tree.find(path, &mut parameters);
        let (target, outcome) = match self.choose(&request, endpoint) {
            Ok((target, query)) => {
                let span =
                    tracing::info_span!("http", method = %request.method(), request_id, route = target.tally.route());
                telemetry::follow(&span, clients_trace(request.headers()));
                let work = self.answer(&request, target, query, &parameters, payload, &request_id);
                let answered = AssertUnwindSafe(work).catch_unwind().instrument(span).await;
                // The panic's own words went to the log where it happened.
                let outcome = answered.unwrap_or_else(|_| Refusal::from(Fault::internal("a request panicked")).into());
                (Some(target), outcome)
            }
            Err(outcome) => (None, outcome),
        };
        let for_a_person = target.is_some_and(|target| target.is_page());
        let answer = self.finish(&request, &request_id, outcome, for_a_person);
        let tally = target.map_or(&self.lost, |target| &target.tally);
        tally.note(request.method(), answer.status(), begun.elapsed(), &request_id);
        answer
    }

    /// What a request is for; the sizes of its head come first.
    fn choose<'a>(
        &'a self,
        request: &HttpRequest,
        endpoint: Option<&'a Endpoint>,
    ) -> Result<(&'a Arc<Target>, input::Pairs), Outcome> {
        let sizes = &self.config.sizes;
        let uri = request.uri().path_and_query().map_or(0, |uri| uri.as_str().len());
        if uri > sizes.uri {
            return Err(Refusal::uri_too_long(sizes.uri).into());
        }
        let lines = request.headers().iter();
        if lines
            .map(|(name, value)| name.as_str().len() + value.len() + 4)
            .sum::<usize>()
            > sizes.headers
        {
            return Err(Refusal::headers_too_large(sizes.headers).into());
        }
        let endpoint = endpoint.ok_or_else(Refusal::no_such_path)?;
        if request.method() == Method::OPTIONS {
            return Err(self.preflight(request, endpoint));
        }
        let query = input::query_pairs(request.uri().query().unwrap_or_default())?;
        Ok((endpoint.target(request.method(), &query, request.headers())?, query))
    }

    /// Tells what a path answers to; to a browser also what a page may send there.
    fn preflight(&self, request: &HttpRequest, endpoint: &Endpoint) -> Outcome {
        let mut answer = shapes::json(StatusCode::OK, envelope::plain(&Value::Null, self.clock.now()));
        // The names of methods are visible ASCII.
        let allow = HeaderValue::from_str(endpoint.allow()).unwrap_or(HeaderValue::from_static("OPTIONS"));
        self.origins.mark_preflight(request, &allow, answer.headers_mut());
        answer.headers_mut().insert(header::ALLOW, allow);
        Outcome {
            answer: Ok(answer),
            figures: None,
        }
    }

    async fn answer(
        &self,
        request: &HttpRequest,
        target: &Target,
        query: input::Pairs,
        parameters: &[&str],
        payload: Payload,
        request_id: &str,
    ) -> Outcome {
        let route = match &target.serves {
            Serves::Page(page) => {
                // Boxed, like whatever else few requests wait for, so that the task of the others stays small.
                let answer = Box::pin(page.serve(self, request, parameters)).await;
                return Outcome { answer, figures: None };
            }
            Serves::Rpc(route) => route,
        };
        // Turned away early, an overload costs next to nothing; kept waiting, it would end in deadlines for everybody.
        let room = self.room.try_acquire();
        if room.is_err() && !target.tally.is_endless() {
            return Refusal::from(Fault::unavailable("Too many requests are under way, try again shortly")).into();
        }
        let path = match input::path_pairs(route, parameters) {
            Ok(path) => path,
            Err(refusal) => return refusal.into(),
        };
        let mut visit = match Visit::admit(self, request, route, path, query, request_id).await {
            Ok(visit) => visit,
            Err(refusal) => return Box::pin(self.turned_away(request, refusal)).await,
        };
        let answer = match visit.spend_unread().await {
            Ok(()) => shapes::serve(&mut visit, payload).await,
            Err(refusal) => Err(refusal),
        };
        let spent = visit.settle().await;
        Outcome {
            answer,
            figures: spent.figures(),
        }
    }

    /// An API key that was not good before costs a call of auth: an address that guessed too often makes no more of them.
    /// Those under way at the same time are not held back, but each is charged by [`Face::turned_away`].
    pub(crate) async fn may_ask_for(&self, bearer: &str, ip: Option<IpAddr>) -> Result<(), Refusal> {
        if !self.config.limits.enabled
            || !bearer.starts_with(API_KEY_PREFIX)
            || self.verifier.was_good(bearer, ip).await
        {
            return Ok(());
        }
        let asking = Asking {
            ip,
            identity: &Identity::Nobody,
            fields: &Map::new(),
        };
        let seen = look(&self.anonymous_limit, &asking, &self.limiter).await;
        seen.map_err(|Exhausted(wait)| Refusal::rate_limited(wait))
    }

    /// Whoever is turned away because nobody knows them pays from the budget of their address: guessing tokens is not free.
    async fn turned_away(&self, request: &HttpRequest, refusal: Refusal) -> Outcome {
        if !self.config.limits.enabled || refusal.status != StatusCode::UNAUTHORIZED {
            return refusal.into();
        }
        let asking = Asking {
            ip: client::address(request, &self.config.trusted_proxies),
            identity: &Identity::Nobody,
            fields: &Map::new(),
        };
        let spent = spend(
            &self.anonymous_limit,
            |_| true,
            &asking,
            &self.limiter,
            &mut Spent::default(),
        )
        .await;
        match spent {
            Ok(()) => refusal.into(),
            Err(Exhausted(wait)) => Refusal::rate_limited(wait).into(),
        }
    }

    /// What every answer carries.
    fn finish(&self, request: &HttpRequest, request_id: &str, outcome: Outcome, for_a_person: bool) -> HttpResponse {
        let answer = outcome.answer;
        let mut answer = answer.unwrap_or_else(|refusal| self.refuse(&refusal, for_a_person));
        let headers = answer.headers_mut();
        if let Some(figures) = outcome.figures {
            mark_limits(headers, figures);
        }
        // A request id is checked or made by us; it can always stand in a header.
        if let Ok(id) = HeaderValue::from_str(request_id) {
            headers.insert(REQUEST_ID, id);
        }
        mark_safe(headers);
        if self.config.hsts {
            headers.insert(
                header::STRICT_TRANSPORT_SECURITY,
                HeaderValue::from_static("max-age=31536000; includeSubDomains"),
            );
        }
        self.origins.mark(request, headers);
        answer
    }

    fn refuse(&self, refusal: &Refusal, for_a_person: bool) -> HttpResponse {
        let mut answer = if for_a_person {
            shapes::refused_page(refusal)
        } else {
            shapes::json(refusal.status, envelope::failure(refusal, self.clock.now()))
        };
        let headers = answer.headers_mut();
        if let Some(wait) = refusal.retry_after {
            // Rounded up: whoever comes back after this long finds what was promised.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        if refusal.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some((name, value)) = &refusal.header
            && let Ok(value) = HeaderValue::from_str(value)
        {
            headers.insert(HeaderName::from_static(name), value);
        }
        answer
    }
}

fn mark_limits(headers: &mut HeaderMap, figures: Figures) {
    let reset = figures.reset.as_secs() + u64::from(figures.reset.subsec_nanos() > 0);
    headers.insert(LIMIT, HeaderValue::from(figures.limit));
    headers.insert(REMAINING, HeaderValue::from(figures.remaining));
    headers.insert(RESET, HeaderValue::from(reset));
}

/// Nothing here is a page, is to be kept, or to be guessed at; what a page of ours needs it has set itself.
fn mark_safe(headers: &mut HeaderMap) {
    const FIXED: [(HeaderName, HeaderValue); 3] = [
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    for (name, value) in FIXED {
        headers.insert(name, value);
    }
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        let policy = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; sandbox");
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}
