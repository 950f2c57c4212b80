//! The tower layer before every rpc of a service: who is it, may they, and what is known of them goes along. A panic
//! behind it becomes an INTERNAL answer and takes nothing else down.

use std::{
    convert::Infallible,
    panic::AssertUnwindSafe,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::{FutureExt as _, future::BoxFuture};
use http::{HeaderMap, Request, Response};
use tonic::{Status, body::Body};
use tower::{Layer, Service};
use tracing::Instrument as _;

use super::{Caller, Identity, Policies, Verifier, metadata};
use crate::{Fault, telemetry};

/// No rpc begins to answer later than this, whatever its caller allows; what it streams then may take as long as it likes.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// The same for an rpc that is sent a stream: a large file over a slow line.
const STREAM_LIMIT: Duration = Duration::from_mins(15);
/// Services of gRPC itself, which the contract does not list: health and reflection.
const GRPC_ITSELF: &str = "/grpc.";

/// Puts [`Access`] before a service.
#[derive(Clone)]
pub struct AccessLayer {
    policies: Arc<Policies>,
    verifier: Verifier,
}

impl AccessLayer {
    pub fn new(policies: Arc<Policies>, verifier: Verifier) -> Self {
        Self { policies, verifier }
    }
}

impl<S> Layer<S> for AccessLayer {
    type Service = Access<S>;

    fn layer(&self, inner: S) -> Access<S> {
        Access {
            inner,
            rules: self.clone(),
        }
    }
}

/// Lets through who may call, with a [`Caller`] in the request's extensions.
#[derive(Clone)]
pub struct Access<S> {
    inner: S,
    rules: AccessLayer,
}

impl<S> Service<Request<Body>> for Access<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        // The instance that was polled ready is the one that must be called.
        let ready = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, ready);
        let rules = self.rules.clone();
        Box::pin(async move {
            if request.uri().path().starts_with(GRPC_ITSELF) {
                return inner.call(request).await;
            }
            let admitted = rules.admit(request.uri().path(), request.headers()).await;
            let (caller, limit) = match admitted {
                Ok(admitted) => admitted,
                Err(fault) => return Ok(Status::from(fault).into_http()),
            };
            let span = telemetry::rpc_span(request.uri().path(), &caller);
            request.extensions_mut().insert(caller);
            let work = AssertUnwindSafe(inner.call(request)).catch_unwind().instrument(span);
            let Ok(answer) = tokio::time::timeout(limit, work).await else {
                return Ok(Status::from(Fault::deadline_exceeded()).into_http());
            };
            answer.unwrap_or_else(|panic| {
                let said = panic_text(&*panic);
                Ok(Status::from(Fault::internal(format_args!("a request panicked: {said}"))).into_http())
            })
        })
    }
}

impl AccessLayer {
    async fn admit(&self, path: &str, headers: &HeaderMap) -> Result<(Caller, Duration), Fault> {
        let policy = self.policies.of(path).ok_or_else(|| Fault::not_found("This rpc"))?;
        let identity = match bearer(headers)? {
            // A public rpc needs no token, so a stale one does not lock anybody out of signing in.
            Some(_) if policy.public => Identity::Nobody,
            Some(token) => self.verifier.verify(token).await?.identity.clone(),
            None => Identity::Nobody,
        };
        policy.admits(&identity)?;
        let forwarded = self.is_forwarded(headers).await;
        let limit = if policy.takes_stream {
            STREAM_LIMIT
        } else {
            ANSWER_LIMIT
        };
        Ok((Caller::new(identity, headers, forwarded), limit))
    }

    /// Whether one of our own services sends this and can be believed about the client.
    async fn is_forwarded(&self, headers: &HeaderMap) -> bool {
        let Some(token) = headers
            .get(metadata::FORWARDED_BY)
            .and_then(|value| value.to_str().ok())
        else {
            return false;
        };
        let verified = self.verifier.verify(token).await;
        verified.is_ok_and(|verified| matches!(verified.identity, Identity::Service { .. }))
    }
}

/// The bearer token of a call; a header that is something else is refused rather than passed over.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Fault> {
    let Some(value) = headers.get(metadata::AUTHORIZATION) else {
        return Ok(None);
    };
    let refused = || Fault::unauthenticated("The authorization must be `Bearer <token>`");
    let (scheme, token) = value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .ok_or_else(refused)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        Ok(Some(token.trim()))
    } else {
        Err(refused())
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
