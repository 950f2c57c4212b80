//! What is known of a client before its token: its address, its program, the id of its request.

use std::{borrow::Cow, net::IpAddr};

use actix_web::{
    HttpRequest,
    http::header::{self, HeaderMap, HeaderName},
};
use kit::{Clock, telemetry};

use crate::{config::Network, refusal::Refusal};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

const LONGEST_REQUEST_ID: usize = 64;
const LONGEST_AGENT: usize = 256;
const LONGEST_IDEMPOTENCY_KEY: usize = 255;
/// Addresses of a chain of proxies that are looked at.
const LONGEST_CHAIN: usize = 16;

/// The client's own id of the request if it is a sane one, else a new one.
pub(crate) fn request_id(headers: &HeaderMap, clock: &Clock) -> String {
    let own = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let sane = own.filter(|id| (1..=LONGEST_REQUEST_ID).contains(&id.len()) && id.bytes().all(is_id_byte));
    sane.map_or_else(|| clock.new_id().to_string(), str::to_owned)
}

fn is_id_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._-".contains(&byte)
}

/// The client's address: the peer's, unless the peer is a proxy of ours, which then tells.
pub(crate) fn address(request: &HttpRequest, proxies: &[Network]) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip().to_canonical();
    let trusted = |address: IpAddr| proxies.iter().any(|network| network.contains(address));
    if !trusted(peer) {
        return Some(peer);
    }
    // Each proxy adds whom it heard at the end, so the last address that is no proxy of ours is the client; what stands
    // before it was written by the client.
    let told: Vec<&str> = request
        .headers()
        .get_all(FORWARDED_FOR)
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .collect();
    let mut nearest = peer;
    for text in told.iter().rev().take(LONGEST_CHAIN) {
        let Ok(address) = text.trim().parse::<IpAddr>() else {
            break;
        };
        nearest = address.to_canonical();
        if !trusted(nearest) {
            break;
        }
    }
    Some(nearest)
}

/// The client's program, in characters that may stand in metadata.
pub(crate) fn agent(headers: &HeaderMap) -> Option<Cow<'_, str>> {
    let agent = headers.get(header::USER_AGENT)?.as_bytes();
    let agent = &agent[..agent.len().min(LONGEST_AGENT)];
    let visible = |byte: &u8| (b' '..=b'~').contains(byte);
    match std::str::from_utf8(agent) {
        Ok(text) if agent.iter().all(visible) => Some(Cow::Borrowed(text)),
        _ => {
            let replaced = agent
                .iter()
                .map(|byte| if visible(byte) { char::from(*byte) } else { '?' });
            Some(Cow::Owned(replaced.collect()))
        }
    }
}

/// The key under which a creation happens once.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let Some(key) = headers.get(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    let key = key.as_bytes();
    let fits = (1..=LONGEST_IDEMPOTENCY_KEY).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic);
    match std::str::from_utf8(key) {
        Ok(key) if fits => Ok(Some(key)),
        _ => Err(Refusal::invalid(
            "Idempotency-Key",
            "must be 1 to 255 visible ASCII characters",
        )),
    }
}

/// The client's W3C trace context, if it is well-formed.
pub(crate) fn clients_trace(headers: &HeaderMap) -> Option<&str> {
    let own = headers.get(TRACEPARENT).and_then(|value| value.to_str().ok());
    own.filter(|text| is_traceparent(text))
}

/// The trace context that goes along: of our own span where traces are kept, else the client's, else of a new trace.
pub(crate) fn traceparent<'a>(headers: &'a HeaderMap, clock: &Clock) -> Cow<'a, str> {
    if let Some(ours) = telemetry::traceparent(&tracing::Span::current()) {
        return Cow::Owned(ours);
    }
    clients_trace(headers).map_or_else(
        || {
            let (trace, span) = (clock.new_id(), clock.new_id());
            Cow::Owned(format!("00-{:032x}-{:016x}-01", trace.as_u128(), span.as_u64_pair().1))
        },
        Cow::Borrowed,
    )
}

/// `00-<32 hexadecimal digits>-<16>-<2>`, neither id all zeros.
fn is_traceparent(text: &str) -> bool {
    let mut parts = text.split('-');
    let mut hexadecimal = |length: usize| {
        let part = parts.next()?;
        let digits = part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        (part.len() == length && digits).then_some(part)
    };
    let (version, trace, span, flags) = (hexadecimal(2), hexadecimal(32), hexadecimal(16), hexadecimal(2));
    let some_id = |id: Option<&str>| id.is_some_and(|id| id.bytes().any(|byte| byte != b'0'));
    version == Some("00") && some_id(trace) && some_id(span) && flags.is_some() && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn seen(peer: &str, forwarded: &[&str]) -> String {
        let proxies = [Network::try_from("10.0.0.0/8".to_owned()).unwrap()];
        let mut request = TestRequest::default().peer_addr(format!("{peer}:1").parse().unwrap());
        for line in forwarded {
            request = request.append_header(("x-forwarded-for", *line));
        }
        address(&request.to_http_request(), &proxies).unwrap().to_string()
    }

    #[test]
    fn only_our_own_proxies_are_believed_about_the_client() {
        assert_eq!(seen("203.0.113.9", &["1.2.3.4"]), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", &["198.51.100.7"]), "198.51.100.7");
        // The client wrote 1.2.3.4 itself; the proxy wrote who it heard.
        assert_eq!(seen("10.0.0.1", &["1.2.3.4, 198.51.100.7"]), "198.51.100.7");
        assert_eq!(seen("10.0.0.1", &["1.2.3.4", "198.51.100.7, 10.0.0.2"]), "198.51.100.7");
        assert_eq!(seen("10.0.0.1", &["nonsense"]), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn only_sane_request_ids_are_kept() {
        let clock = Clock::system();
        let id = |text: &str| {
            let request = TestRequest::default()
                .append_header(("x-request-id", text))
                .to_http_request();
            request_id(request.headers(), &clock)
        };
        assert_eq!(id("a.B-9_z"), "a.B-9_z");
        for odd in ["", "a b", "a\"b", &"x".repeat(65)] {
            assert_ne!(id(odd), odd);
            assert_eq!(id(odd).len(), 36);
        }
    }

    #[test]
    fn only_well_formed_trace_contexts_are_passed_on() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert!(is_traceparent(good));
        for wrong in [
            "",
            "00",
            &good[1..],
            &good.replace('a', "G"),
            &format!("{good}-00"),
            &good.replace("00-", "ff-"),
        ] {
            assert!(!is_traceparent(wrong), "{wrong}");
        }
        let made = traceparent(TestRequest::default().to_http_request().headers(), &Clock::system()).into_owned();
        assert!(is_traceparent(&made), "{made}");
    }
}
