//! rusoto's requests over our HTTP client: current TLS, no redirects, no decoding of contents.

use std::{fmt, io, time::Duration};

use futures_util::TryStreamExt as _;
use rusoto_core::{
    ByteStream,
    request::{DispatchSignedRequest, DispatchSignedRequestFuture, HttpDispatchError, HttpResponse},
    signature::{SignedRequest, SignedRequestPayload},
};

const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// S3 closes idle connections after about 20 seconds.
const IDLE_LIMIT: Duration = Duration::from_secs(15);

/// Sends what rusoto has signed. Cheap to clone.
#[derive(Clone)]
pub(super) struct Dispatcher(reqwest::Client);

impl Dispatcher {
    pub(super) fn new() -> reqwest::Result<Self> {
        // Fails only when a provider is there already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // The signature covers host and path, so a redirect could not be followed with it.
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_LIMIT)
            .pool_idle_timeout(IDLE_LIMIT)
            .build()?;
        Ok(Self(client))
    }
}

impl DispatchSignedRequest for Dispatcher {
    fn dispatch(&self, request: SignedRequest, time_limit: Option<Duration>) -> DispatchSignedRequestFuture {
        Box::pin(send(self.0.clone(), request, time_limit))
    }
}

async fn send(
    client: reqwest::Client,
    request: SignedRequest,
    time_limit: Option<Duration>,
) -> Result<HttpResponse, HttpDispatchError> {
    let sending = client.execute(outgoing(request)?);
    let answer = match time_limit {
        Some(limit) => tokio::time::timeout(limit, sending).await.map_err(failed)?,
        None => sending.await,
    };
    incoming(answer.map_err(|error| failed(root_cause(&error)))?)
}

fn outgoing(mut request: SignedRequest) -> Result<reqwest::Request, HttpDispatchError> {
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
        SignedRequestPayload::Buffer(bytes) => reqwest::Body::from(bytes),
        SignedRequestPayload::Stream(stream) => reqwest::Body::wrap_stream(stream),
    });
    Ok(sent)
}

/// From the http types of today to those of rusoto.
fn incoming(answer: reqwest::Response) -> Result<HttpResponse, HttpDispatchError> {
    let status = http02::StatusCode::from_u16(answer.status().as_u16()).map_err(failed)?;
    let mut headers = http02::HeaderMap::with_capacity(answer.headers().len());
    for (name, value) in answer.headers() {
        let name = http02::header::HeaderName::from_bytes(name.as_str().as_bytes()).map_err(failed)?;
        headers.append(name, String::from_utf8_lossy(value.as_bytes()).into_owned());
    }
    let body = ByteStream::new(answer.bytes_stream().map_err(io::Error::other));
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
