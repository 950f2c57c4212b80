//! Bodies of requests: they end when they are too large, too slow, or of the wrong kind.

use std::{
    cell::Cell,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use actix_web::{
    error::PayloadError,
    http::header::{self, HeaderMap},
    web::Payload,
};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};
use serde_json::{Map, Value};
use tokio::time::Sleep;

use crate::{input, refusal::Refusal};

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";
/// Slower than this is not sending but holding on.
const LEAST_BYTES_A_SECOND: u64 = 1000;
/// An object with nothing in it, and some white space.
const LONGEST_NOTHING: usize = 64;

/// Whether a request announces a body.
pub(crate) fn has_body(headers: &HeaderMap) -> bool {
    headers.contains_key(header::TRANSFER_ENCODING) || announced_length(headers).is_some_and(|length| length > 0)
}

/// The length that a request announces.
pub(crate) fn announced_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Reads a JSON body whole; `None` for none.
pub(crate) async fn json(
    headers: &HeaderMap,
    payload: Payload,
    largest: usize,
    limit: Duration,
) -> Result<Option<Value>, Refusal> {
    if !has_body(headers) {
        return Ok(None);
    }
    if !is_plain(headers, JSON) {
        return Err(Refusal::unsupported_media_type(JSON));
    }
    untyped_json(headers, payload, largest, limit).await
}

/// The same of whoever does not say what the body is.
pub(crate) async fn untyped_json(
    headers: &HeaderMap,
    payload: Payload,
    largest: usize,
    limit: Duration,
) -> Result<Option<Value>, Refusal> {
    let bytes = whole(headers, payload, largest, limit).await?;
    if bytes.is_empty() {
        return Ok(None);
    }
    let value = serde_json::from_slice(&bytes);
    value
        .map(Some)
        .map_err(|error| Refusal::invalid("body", format!("is not JSON: {error}")))
}

/// Where nothing is to be said: no body, or an object with nothing in it, which some clients send with everything.
pub(crate) async fn nothing(headers: &HeaderMap, payload: Payload, limit: Duration) -> Result<(), Refusal> {
    if !has_body(headers) {
        return Ok(());
    }
    let said = tokio::time::timeout(limit, collect(payload, LONGEST_NOTHING)).await;
    let said = said.map_err(|_| Refusal::too_slow())??.ok_or_else(not_empty)?;
    match serde_json::from_slice(&said) {
        Ok(Value::Object(fields)) if fields.is_empty() => Ok(()),
        _ => Err(not_empty()),
    }
}

pub(crate) fn not_empty() -> Refusal {
    Refusal::invalid("body", "must be empty")
}

/// Reads what a form of a page sends, whole; `None` for nothing.
pub(crate) async fn form(
    headers: &HeaderMap,
    payload: Payload,
    largest: usize,
    limit: Duration,
) -> Result<Option<Value>, Refusal> {
    if !has_body(headers) {
        return Ok(None);
    }
    if !is_plain(headers, FORM) {
        return Err(Refusal::unsupported_media_type(FORM));
    }
    let bytes = whole(headers, payload, largest, limit).await?;
    let text = str::from_utf8(&bytes).map_err(|_| Refusal::invalid("body", "must be UTF-8"))?;
    let mut fields = Map::new();
    for (name, value) in input::query_pairs(text)? {
        if fields.insert(name.clone(), Value::String(value)).is_some() {
            return Err(Refusal::invalid(name, "must stand once"));
        }
    }
    Ok(Some(Value::Object(fields)))
}

/// Reads a body whole.
async fn whole(headers: &HeaderMap, payload: Payload, largest: usize, limit: Duration) -> Result<Bytes, Refusal> {
    let too_large = || Refusal::too_large("The body", largest as u64);
    if announced_length(headers).is_some_and(|length| length > largest as u64) {
        return Err(too_large());
    }
    let whole = tokio::time::timeout(limit, collect(payload, largest)).await;
    whole.map_err(|_| Refusal::too_slow())??.ok_or_else(too_large)
}

/// `None` when it is larger.
async fn collect(mut payload: Payload, largest: usize) -> Result<Option<Bytes>, Refusal> {
    let mut whole = BytesMut::new();
    while let Some(piece) = payload.next().await {
        let piece = piece.map_err(|error| Refusal::invalid("body", format!("could not be read: {error}")))?;
        if whole.len() + piece.len() > largest {
            return Ok(None);
        }
        whole.extend_from_slice(&piece);
    }
    Ok(Some(whole.freeze()))
}

/// Of this kind, in UTF-8 and not packed.
fn is_plain(headers: &HeaderMap, kind: &str) -> bool {
    let plain = headers
        .get(header::CONTENT_ENCODING)
        .is_none_or(|encoding| encoding == "identity");
    let declared = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let mut parts = declared.unwrap_or_default().split(';').map(str::trim);
    let of_kind = parts.next().is_some_and(|said| said.eq_ignore_ascii_case(kind));
    let utf8 = |parameter: &str| {
        parameter.split_once('=').is_none_or(|(name, value)| {
            !name.eq_ignore_ascii_case("charset") || value.trim_matches('"').eq_ignore_ascii_case("utf-8")
        })
    };
    plain && of_kind && parts.all(utf8)
}

/// Why a paced body ended early.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Cut {
    TooLarge,
    TooSlow,
}

/// What whoever reads a paced body and the body itself tell each other.
#[derive(Default)]
pub(crate) struct Pace {
    cut: Cell<Option<Cut>>,
    resumed: Cell<bool>,
}

impl Pace {
    /// Why the body ended early, if it did.
    pub(crate) fn cut(&self) -> Option<Cut> {
        self.cut.get()
    }

    /// The reader comes back from other work: from now on it is the client who keeps it waiting.
    pub(crate) fn resume(&self) {
        self.resumed.set(true);
    }
}

/// A large body as a stream that ends with an error when it is too large or too slow. Only the time that the client keeps
/// us waiting counts, not the time that a busy service keeps the client waiting.
pub(crate) struct Paced {
    payload: Payload,
    largest: u64,
    idle: Duration,
    received: u64,
    waited: Duration,
    waiting_since: Option<Instant>,
    patience: Pin<Box<Sleep>>,
    pace: Rc<Pace>,
}

impl Paced {
    pub(crate) fn new(payload: Payload, largest: u64, idle: Duration) -> Self {
        Self {
            payload,
            largest,
            idle,
            received: 0,
            waited: Duration::ZERO,
            waiting_since: None,
            patience: Box::pin(tokio::time::sleep(idle)),
            pace: Rc::default(),
        }
    }

    pub(crate) fn pace(&self) -> Rc<Pace> {
        self.pace.clone()
    }

    fn end(&self, cut: Cut) -> Poll<Option<Result<Bytes, PayloadError>>> {
        self.pace.cut.set(Some(cut));
        Poll::Ready(Some(Err(PayloadError::Io(io::Error::other("the body was cut off")))))
    }

    fn note(&mut self, length: u64) -> Option<Cut> {
        if let Some(since) = self.waiting_since.take() {
            self.waited += since.elapsed();
        }
        self.received += length;
        let wanted = self.waited.as_secs() * LEAST_BYTES_A_SECOND;
        if self.received > self.largest {
            Some(Cut::TooLarge)
        } else if self.waited > self.idle && self.received < wanted {
            Some(Cut::TooSlow)
        } else {
            None
        }
    }
}

impl Stream for Paced {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.pace.cut.get().is_some() {
            return Poll::Ready(None);
        }
        if self.pace.resumed.take() {
            self.waiting_since = None;
        }
        match self.payload.poll_next_unpin(context) {
            Poll::Ready(Some(Ok(piece))) => match self.note(piece.len() as u64) {
                Some(cut) => self.end(cut),
                None => Poll::Ready(Some(Ok(piece))),
            },
            Poll::Ready(other) => Poll::Ready(other),
            Poll::Pending => {
                if self.waiting_since.is_none() {
                    self.waiting_since = Some(Instant::now());
                    let until = tokio::time::Instant::now() + self.idle;
                    self.patience.as_mut().reset(until);
                }
                match self.patience.as_mut().poll(context) {
                    Poll::Ready(()) => self.end(Cut::TooSlow),
                    Poll::Pending => Poll::Pending,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{FromRequest as _, test::TestRequest};
    use futures_util::{FutureExt as _, stream};

    use super::*;

    #[test]
    fn only_plain_json_in_utf8_is_json() {
        let declared = |content_type: &str| {
            let request = TestRequest::default().append_header(("content-type", content_type));
            is_plain(request.to_http_request().headers(), JSON)
        };
        for fine in [
            "application/json",
            "Application/JSON; charset=UTF-8",
            "application/json;charset=\"utf-8\"",
        ] {
            assert!(declared(fine), "{fine}");
        }
        for wrong in [
            "",
            "text/json",
            "application/jsonp",
            "application/json; charset=latin1",
            "text/plain",
        ] {
            assert!(!declared(wrong), "{wrong}");
        }
        let packed = TestRequest::default()
            .append_header(("content-type", "application/json"))
            .append_header(("content-encoding", "gzip"))
            .to_http_request();
        assert!(!is_plain(packed.headers(), JSON));
    }

    async fn paced(largest: u64, pieces: impl Stream<Item = Bytes> + 'static) -> Paced {
        let pieces: Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>> = Box::pin(pieces.map(Ok));
        let mut payload = actix_web::dev::Payload::from(pieces);
        let request = TestRequest::default().to_http_request();
        let payload = Payload::from_request(&request, &mut payload).await.unwrap();
        Paced::new(payload, largest, Duration::from_millis(50))
    }

    #[tokio::test]
    async fn a_body_that_is_too_large_or_too_slow_is_cut() {
        let mut large = paced(5, stream::repeat(Bytes::from_static(b"four"))).await;
        assert!(large.next().await.unwrap().is_ok());
        assert!(large.next().await.unwrap().is_err() && large.next().await.is_none());
        assert_eq!(large.pace().cut(), Some(Cut::TooLarge));
        let mut silent = paced(5, stream::pending()).await;
        assert!(silent.next().await.unwrap().is_err());
        assert_eq!(silent.pace().cut(), Some(Cut::TooSlow));
    }

    #[tokio::test]
    async fn time_that_the_reader_spends_elsewhere_is_not_the_clients() {
        for (resumes, cut) in [(true, None), (false, Some(Cut::TooSlow))] {
            let mut body = paced(5, stream::pending()).await;
            assert!(body.next().now_or_never().is_none());
            let away = Instant::now();
            while away.elapsed() < Duration::from_millis(80) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            if resumes {
                body.pace().resume();
            }
            let _ = body.next().now_or_never();
            assert_eq!(body.pace().cut(), cut);
        }
    }
}
