//! One request to an rpc: who asks, may they, how often, and what the service is told of them.

use std::{net::IpAddr, sync::Arc};

use actix_web::{
    HttpRequest,
    http::header::{self, HeaderMap as OuterHeaders},
};
use http::{HeaderMap, HeaderName, HeaderValue};
use kit::{
    Fault,
    access::{Identity, metadata},
    fault::Kind,
};
use serde_json::{Map, Value};
use tonic::metadata::MetadataMap;

use crate::{
    client,
    face::Face,
    input::Pairs,
    limits::{Asking, Exhausted, Limit, Spent, spend},
    refusal::Refusal,
    routes::Route,
};

/// The subprotocol that carries a token where a page cannot set headers.
pub(crate) const SUBPROTOCOL: &str = "hostelpulse.v1";
const TOKEN_PROTOCOL: &str = "bearer.";

const REQUEST_ID: HeaderName = HeaderName::from_static(metadata::REQUEST_ID);
const TRACEPARENT: HeaderName = HeaderName::from_static(metadata::TRACEPARENT);
const FORWARDED_BY: HeaderName = HeaderName::from_static(metadata::FORWARDED_BY);
const CLIENT_IP: HeaderName = HeaderName::from_static(metadata::CLIENT_IP);
const CLIENT_AGENT: HeaderName = HeaderName::from_static(metadata::CLIENT_AGENT);
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static(metadata::IDEMPOTENCY_KEY);

/// One request to an rpc.
pub(crate) struct Visit<'a> {
    pub(crate) face: &'a Face,
    pub(crate) request: &'a HttpRequest,
    pub(crate) route: &'a Route,
    pub(crate) path: Pairs,
    pub(crate) query: Pairs,
    pub(crate) request_id: &'a str,
    pub(crate) ip: Option<IpAddr>,
    identity: Identity,
    /// What the client brought, a token or an API key; none where the rpc needs none.
    pub(crate) bearer: Option<&'a str>,
    /// The access token that speaks for the client to services.
    token: Option<Arc<str>>,
    spent: Spent,
    /// Whether the service refused in a way that failures are counted by.
    failed: bool,
}

impl<'a> Visit<'a> {
    /// Finds out who asks and refuses who may not, before anything is spent on them.
    pub(crate) async fn admit(
        face: &'a Face,
        request: &'a HttpRequest,
        route: &'a Route,
        path: Pairs,
        query: Pairs,
        request_id: &'a str,
    ) -> Result<Self, Refusal> {
        // A public rpc needs no token, so a stale one does not lock anybody out of signing in.
        let bearer = if route.policy.public {
            None
        } else {
            bearer(request.headers())?
        };
        let ip = client::address(request, &face.config.trusted_proxies);
        let (identity, token) = match bearer {
            Some(bearer) => {
                face.may_ask_for(bearer, ip).await?;
                let admitted = face.verifier.admit(bearer, ip).await?;
                (admitted.verified.identity.clone(), Some(admitted.token))
            }
            None => (Identity::Nobody, None),
        };
        route.policy.admits(&identity)?;
        Ok(Self {
            face,
            request,
            route,
            path,
            query,
            request_id,
            ip,
            identity,
            bearer,
            token,
            spent: Spent::default(),
            failed: false,
        })
    }

    /// Spends the limits that need not know what the request says.
    pub(crate) async fn spend_unread(&mut self) -> Result<(), Refusal> {
        self.spend(|limit| !limit.needs_fields(), &Map::new()).await
    }

    /// Spends the limits that count by fields of the request.
    pub(crate) async fn spend_read(&mut self, fields: &Map<String, Value>) -> Result<(), Refusal> {
        self.spend(Limit::needs_fields, fields).await
    }

    async fn spend(&mut self, fits: impl Fn(&Limit) -> bool, fields: &Map<String, Value>) -> Result<(), Refusal> {
        let limits = self.face.limits_of(self.route, &self.identity);
        let asking = Asking {
            ip: self.ip,
            identity: &self.identity,
            fields,
        };
        let spent = spend(limits, fits, &asking, &self.face.limiter, &mut self.spent).await;
        spent.map_err(|Exhausted(wait)| Refusal::rate_limited(wait))
    }

    /// Takes note of what a service refused: guesses at a password count, a missing field does not.
    pub(crate) fn refused(&mut self, fault: Fault) -> Refusal {
        self.failed |= matches!(fault.kind, Kind::Unauthenticated | Kind::Forbidden | Kind::Refused);
        fault.into()
    }

    /// Settles what counts failures, and tells the figures for the answer.
    pub(crate) async fn settle(mut self) -> Spent {
        self.spent.settle(self.failed, &self.face.limiter).await;
        self.spent
    }

    /// What the service is told beside the message.
    pub(crate) fn metadata(&self) -> Result<MetadataMap, Refusal> {
        let headers = self.request.headers();
        let mut told = HeaderMap::with_capacity(8);
        if let Some(token) = &self.token {
            let mut bearer = value(&format!("Bearer {token}"))?;
            bearer.set_sensitive(true);
            told.insert(http::header::AUTHORIZATION, bearer);
        }
        told.insert(REQUEST_ID, value(self.request_id)?);
        told.insert(TRACEPARENT, value(&client::traceparent(headers, &self.face.clock))?);
        // Not marked as sensitive: the same for a minute, it is sent once a connection and then only named. A header of
        // a client's that should find it out would have to match all of it at once.
        told.insert(FORWARDED_BY, value(&self.face.service_tokens.token()?)?);
        if let Some(ip) = self.ip {
            told.insert(CLIENT_IP, value(&ip.to_string())?);
        }
        if let Some(agent) = client::agent(headers) {
            told.insert(CLIENT_AGENT, value(&agent)?);
        }
        if self.route.is_keyed
            && let Some(key) = client::idempotency_key(headers)?
        {
            told.insert(IDEMPOTENCY_KEY, value(key)?);
        }
        Ok(MetadataMap::from_headers(told))
    }
}

/// All of these texts were checked or made by us; one that cannot stand in a header is our mistake.
fn value(text: &str) -> Result<HeaderValue, Fault> {
    HeaderValue::from_str(text).map_err(Fault::internal)
}

/// The token of a request: from `Authorization`, or beside our subprotocol when a WebSocket opens. Never from the URL,
/// which ends up in logs.
fn bearer(headers: &OuterHeaders) -> Result<Option<&str>, Refusal> {
    let refused = || Fault::unauthenticated("The authorization must be `Bearer <token>`");
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let (scheme, token) = value
            .to_str()
            .ok()
            .and_then(|text| text.split_once(' '))
            .ok_or_else(refused)?;
        if !scheme.eq_ignore_ascii_case("bearer") || !is_token(token.trim()) {
            return Err(refused().into());
        }
        return Ok(Some(token.trim()));
    }
    let mut offered = headers
        .get_all(header::SEC_WEBSOCKET_PROTOCOL)
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','));
    let token = offered.find_map(|protocol| protocol.trim().strip_prefix(TOKEN_PROTOCOL));
    match token {
        Some(token) if !is_token(token) => Err(refused().into()),
        token => Ok(token),
    }
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}
