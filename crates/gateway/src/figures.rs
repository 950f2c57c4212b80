//! What is counted and written down of requests: one line in the log, a counter and a duration, by route and not by path.

use std::{
    sync::{OnceLock, PoisonError, RwLock},
    time::Duration,
};

use actix_web::http::{Method, StatusCode};
use metrics::{Counter, Histogram, counter, histogram};

/// The figures of one route. Handles are kept, so that counting a request builds no name.
pub(crate) struct Tally {
    method: String,
    route: String,
    /// Whether requests last as long as their client likes: then their duration says nothing.
    endless: bool,
    counters: RwLock<Vec<(StatusCode, Counter)>>,
    duration: OnceLock<Histogram>,
}

impl Tally {
    pub(crate) fn new(method: &str, route: &str, endless: bool) -> Self {
        Self {
            method: method.to_owned(),
            route: route.to_owned(),
            endless,
            counters: RwLock::default(),
            duration: OnceLock::new(),
        }
    }

    pub(crate) fn route(&self) -> &str {
        &self.route
    }

    /// Whether requests last as long as their client likes.
    pub(crate) fn is_endless(&self) -> bool {
        self.endless
    }

    pub(crate) fn note(&self, method: &Method, status: StatusCode, took: Duration, request_id: &str) {
        self.count(status);
        if !self.endless {
            self.duration().record(took.as_secs_f64());
        }
        let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        tracing::info!(
            target: "access",
            method = method.as_str(),
            route = self.route,
            status = status.as_u16(),
            microseconds,
            request_id,
        );
    }

    fn count(&self, status: StatusCode) {
        let known = self.counters.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, counter)) = known.iter().find(|(known, _)| *known == status) {
            counter.increment(1);
            return;
        }
        drop(known);
        let labels = [
            ("method", self.method.clone()),
            ("route", self.route.clone()),
            ("status", status.as_u16().to_string()),
        ];
        let counter = counter!("http_requests_total", &labels);
        counter.increment(1);
        let mut counters = self.counters.write().unwrap_or_else(PoisonError::into_inner);
        counters.push((status, counter));
    }

    fn duration(&self) -> &Histogram {
        self.duration.get_or_init(|| {
            let labels = [("method", self.method.clone()), ("route", self.route.clone())];
            histogram!("http_request_duration_seconds", &labels)
        })
    }
}
