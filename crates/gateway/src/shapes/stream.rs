//! A stream of messages out: as a WebSocket where the client opens one, as server-sent events where it accepts them.

use std::{convert::Infallible, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderValue},
    web::Payload,
};
use bytes::Bytes;
use futures_util::{Stream, stream};
use kit::json::Shape;
use tokio::time::{Interval, interval};

use super::{
    message, socket,
    watch::{Happening, Watch, error_message},
};
use crate::{refusal::Refusal, routes::Input, visit::Visit};

pub(super) async fn serve(
    visit: &mut Visit<'_>,
    input: &Input,
    shape: &Shape,
    payload: Payload,
) -> Result<HttpResponse, Refusal> {
    let upgrade = wants_socket(visit.request);
    if upgrade {
        socket::admit(visit)?;
    } else if !accepts_events(visit.request) {
        return Err(Refusal::upgrade_needed());
    }
    let message = message(visit, input, None).await?;
    let metadata = visit.metadata()?;
    let limit = visit.face.config.deadlines.call();
    let upstream = visit.route.rpc.server_stream(message, metadata, limit).await;
    let upstream = upstream.map_err(|fault| visit.refused(fault))?;
    let watch = Watch::new(upstream, shape.clone(), visit);
    if upgrade {
        return socket::open(visit, watch, payload);
    }
    let pause = Duration::from_secs(visit.face.config.deadlines.ping_seconds);
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")))
        .insert_header(("x-accel-buffering", "no"))
        .streaming(events(watch, pause)))
}

fn wants_socket(request: &HttpRequest) -> bool {
    let upgrade = request.headers().get(header::UPGRADE);
    upgrade.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

fn accepts_events(request: &HttpRequest) -> bool {
    let mut lines = request
        .headers()
        .get_all(header::ACCEPT)
        .filter_map(|line| line.to_str().ok());
    lines.any(|line| {
        let mut kinds = line.split(',').filter_map(|kind| kind.split(';').next());
        kinds.any(|kind| kind.trim().eq_ignore_ascii_case("text/event-stream"))
    })
}

/// The body of server-sent events. It is asked for more only when the client has taken what was there, so a slow client
/// slows the service instead of filling memory; with the body goes the call.
fn events(watch: Watch, pause: Duration) -> impl Stream<Item = Result<Bytes, Infallible>> {
    let mut pings = interval(pause);
    pings.reset();
    stream::unfold(Some((watch, pings)), |state| async move {
        let (mut watch, mut pings): (Watch, Interval) = state?;
        let (text, more) = tokio::select! {
            happening = watch.next() => match happening {
                Happening::Message(json) => (event("", &json), true),
                Happening::Failed(fault) => (event("event: error\n", &error_message(&fault)), false),
                Happening::Ended | Happening::Stopping => return None,
            },
            _ = pings.tick() => (Bytes::from_static(b": still here\n\n"), true),
        };
        Some((Ok(text), more.then_some((watch, pings))))
    })
}

/// JSON never holds a line break of its own, so one line carries it.
fn event(kind: &str, json: &str) -> Bytes {
    format!("{kind}data: {json}\n\n").into()
}
