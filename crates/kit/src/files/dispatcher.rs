//! rusoto's requests over our HTTP client: current TLS, no redirects, no decoding of contents.
//!
//! A request may take as long as it gets on: it is given up once the server takes nothing of it, and does not answer, for
//! longer than the limit.

use std::{fmt, io, pin::pin, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use rusoto_core::{
    ByteStream,
    request::{DispatchSignedRequest, DispatchSignedRequestFuture, HttpDispatchError, HttpResponse},
    signature::{SignedRequest, SignedRequestPayload},
};
use tokio::sync::watch;

use super::with_stall_limit;

const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// S3 closes idle connections after about 20 seconds.
const IDLE_LIMIT: Duration = Duration::from_secs(15);

/// What is given to a connection at once.
const PIECE: usize = 64 * 1024;

/// Sends what rusoto has signed. Cheap to clone.
#[derive(Clone)]
pub(super) struct Dispatcher {
    client: reqwest::Client,
    /// How long a server may stand still.
    patience: Duration,
}

impl Dispatcher {
    pub(super) fn new(patience: Duration) -> reqwest::Result<Self> {
        // Fails only when a provider is there already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // The signature covers host and path, so a redirect could not be followed with it.
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(patience.min(CONNECT_LIMIT))
            .pool_idle_timeout(IDLE_LIMIT)
            .build()?;
        Ok(Self { client, patience })
    }
}

impl DispatchSignedRequest for Dispatcher {
    fn dispatch(&self, request: SignedRequest, time_limit: Option<Duration>) -> DispatchSignedRequestFuture {
        let patience = time_limit.map_or(self.patience, |limit| limit.min(self.patience));
        Box::pin(send(self.client.clone(), request, patience))
    }
}

async fn send(
    client: reqwest::Client,
    request: SignedRequest,
    patience: Duration,
) -> Result<HttpResponse, HttpDispatchError> {
    let (taken, mut progress) = watch::channel(());
    let mut sending = pin!(client.execute(outgoing(request, taken)?));
    let answer = loop {
        let next = tokio::time::timeout(patience, async {
            tokio::select! {
                answer = &mut sending => Some(answer),
                // All of it was taken when nobody tells any more: then only the answer is to come.
                Ok(()) = progress.changed() => None,
            }
        });
        match next.await {
            Ok(Some(answer)) => break answer,
            Ok(None) => {}
            Err(_) => return Err(failed(format_args!("the server stood still for {patience:?}"))),
        }
    };
    incoming(answer.map_err(|error| failed(root_cause(&error)))?, patience)
}

/// The request over HTTP, which tells of each piece of its body that the connection takes.
fn outgoing(mut request: SignedRequest, taken: watch::Sender<()>) -> Result<reqwest::Request, HttpDispatchError> {
    // Path and query must be the very bytes that were signed.
    let mut url = format!(
        "{}://{}{}",
        request.scheme(),
        request.hostname(),
        request.canonical_path()
    );
    if !request.canonical_query_string().is_empty() {
        url.push('?');
        url.push_str(request.canonical_query_string());
    }
    let method = reqwest::Method::from_bytes(request.method().as_bytes()).map_err(failed)?;
    let mut sent = reqwest::Request::new(method, url.parse().map_err(failed)?);
    for (name, values) in request.headers() {
        // The client sets the host from the URL, to the same value.
        if name.eq_ignore_ascii_case("host") {
            continue;
        }
        let name = http::HeaderName::from_bytes(name.as_bytes()).map_err(failed)?;
        for value in values {
            let value = http::HeaderValue::from_bytes(value).map_err(failed)?;
            sent.headers_mut().append(name.clone(), value);
        }
    }
    // rusoto has set the content length, so that a stream is not sent in chunks of unknown number.
    *sent.body_mut() = request.payload.take().map(|payload| match payload {
        SignedRequestPayload::Buffer(bytes) if bytes.is_empty() => reqwest::Body::from(bytes),
        SignedRequestPayload::Buffer(bytes) => reqwest::Body::wrap_stream(told(pieces(bytes), taken)),
        SignedRequestPayload::Stream(stream) => reqwest::Body::wrap_stream(told(stream, taken)),
    });
    Ok(sent)
}

fn pieces(bytes: Bytes) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::iter((0..bytes.len()).step_by(PIECE).map(move |from| {
        let end = bytes.len().min(from + PIECE);
        Ok(bytes.slice(from..end))
    }))
}

fn told(
    body: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    taken: watch::Sender<()>,
) -> impl Stream<Item = io::Result<Bytes>> + Send {
    body.inspect(move |_| {
        // Nobody listens to a request that was given up.
        let _ = taken.send(());
    })
}

/// From the http types of today to those of rusoto.
fn incoming(answer: reqwest::Response, patience: Duration) -> Result<HttpResponse, HttpDispatchError> {
    let status = http02::StatusCode::from_u16(answer.status().as_u16()).map_err(failed)?;
    let mut headers = http02::HeaderMap::with_capacity(answer.headers().len());
    for (name, value) in answer.headers() {
        let name = http02::header::HeaderName::from_bytes(name.as_str().as_bytes()).map_err(failed)?;
        headers.append(name, String::from_utf8_lossy(value.as_bytes()).into_owned());
    }
    let body = answer.bytes_stream().map_err(io::Error::other).boxed();
    let body = ByteStream::new(with_stall_limit(body, patience));
    Ok(HttpResponse { status, headers, body })
}

fn failed(error: impl fmt::Display) -> HttpDispatchError {
    HttpDispatchError::new(error.to_string())
}

/// The cause says what happened ("Connection refused"); the errors around it only say where, with the signed URL.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
