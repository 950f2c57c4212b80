//! Streams out: WebSocket and server-sent events.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use futures_util::{SinkExt as _, StreamExt as _};
use proto::options::Role;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{self, Message, client::IntoClientRequest as _, protocol::frame::coding::CloseCode},
};

use crate::world::{Answer, World, soon, until, world, world_with};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn open(
    world: &World,
    how: &str,
    headers: &[(&'static str, String)],
) -> Result<(Socket, Option<String>), Answer> {
    let mut request = format!("ws://{}/ws/watch/{how}", world.address)
        .into_client_request()
        .unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    match soon(tokio_tungstenite::connect_async(request)).await {
        Ok((socket, answer)) => {
            let protocol = answer.headers().get("sec-websocket-protocol");
            Ok((socket, protocol.map(|protocol| protocol.to_str().unwrap().to_owned())))
        }
        Err(tungstenite::Error::Http(answer)) => {
            let text = String::from_utf8(answer.body().clone().unwrap_or_default()).unwrap();
            Err(Answer {
                status: answer.status().as_u16(),
                headers: answer.headers().clone(),
                text,
            })
        }
        Err(other) => panic!("{other}"),
    }
}

async fn open_as(world: &World, token: &str, how: &str) -> Socket {
    open(world, how, &[("authorization", format!("Bearer {token}"))])
        .await
        .unwrap()
        .0
}

/// The next message that is no ping.
async fn next(socket: &mut Socket) -> Message {
    loop {
        match soon(socket.next()).await.expect("no closing frame came").unwrap() {
            Message::Ping(_) => {}
            message => return message,
        }
    }
}

async fn next_json(socket: &mut Socket) -> Value {
    serde_json::from_str(next(socket).await.to_text().unwrap()).unwrap()
}

/// The code of the closing frame that comes next; the connection must end after it.
async fn closed(socket: &mut Socket) -> u16 {
    let Message::Close(Some(frame)) = next(socket).await else {
        panic!("something else than a closing frame came");
    };
    assert!(soon(socket.next()).await.is_none_or(|end| end.is_err()));
    frame.code.into()
}

#[tokio::test]
async fn a_stream_is_a_websocket_of_json_messages() {
    let world = world().await;
    let token = world.token("guard");
    let mut socket = open_as(&world, &token, "three").await;
    for number in 1..=3 {
        assert_eq!(next_json(&mut socket).await, json!({"number": number, "filling": ""}));
    }
    assert_eq!(closed(&mut socket).await, 1000);
}

#[tokio::test]
async fn a_page_brings_its_token_beside_the_protocol() {
    let world = world().await;
    let protocols = |token: &str| [("sec-websocket-protocol", format!("hostelpulse.v1, bearer.{token}"))];
    let (mut socket, protocol) = open(&world, "three", &protocols(&world.token("guard"))).await.unwrap();
    assert_eq!(protocol.as_deref(), Some("hostelpulse.v1"));
    assert_eq!(next_json(&mut socket).await["number"], 1);
    assert_eq!(
        open(&world, "three", &protocols("x")).await.unwrap_err().code(),
        "UNAUTHENTICATED"
    );
    assert_eq!(open(&world, "three", &[]).await.unwrap_err().code(), "UNAUTHENTICATED");
    let in_url = open(&world, &format!("three?token={}", world.token("guard")), &[]).await;
    assert_eq!(in_url.unwrap_err().status, 401);
}

#[tokio::test]
async fn pages_of_other_origins_open_no_socket() {
    let world = world_with(|config| config.cors_origins = vec!["https://app.example.org".to_owned()]).await;
    let bearer = format!("Bearer {}", world.token("guard"));
    let from = async |origin: String| {
        let headers = [("authorization", bearer.clone()), ("origin", origin)];
        open(&world, "three", &headers)
            .await
            .map(|_| ())
            .map_err(|answer| (answer.status, answer.code()))
    };
    assert_eq!(from("https://app.example.org".to_owned()).await, Ok(()));
    assert_eq!(from(format!("http://{}", world.address)).await, Ok(()));
    for foreign in ["https://evil.example.org", "null", "http://127.0.0.1:1"] {
        assert_eq!(
            from(foreign.to_owned()).await,
            Err((403, "FORBIDDEN".to_owned())),
            "{foreign}"
        );
    }
}

#[tokio::test]
async fn what_a_service_refuses_at_once_is_an_envelope() {
    let world = world().await;
    let headers = [("authorization", format!("Bearer {}", world.token("guard")))];
    assert_eq!(open(&world, "refuses", &headers).await.unwrap_err().code(), "NOT_FOUND");
    let answer = world.get_as(&world.token("guard"), "/ws/watch/three").await;
    assert_eq!((answer.status, answer.code().as_str()), (426, "UPGRADE_REQUIRED"));
    assert_eq!(answer.header("upgrade"), "websocket");
}

#[tokio::test]
async fn a_failure_midway_is_the_last_message() {
    let mut world = world().await;
    let token = world.token("guard");
    let mut socket = open_as(&world, &token, "dies").await;
    assert_eq!(next_json(&mut socket).await["number"], 1);
    let last = json!({"type": "error", "code": "SESSION_CLOSED", "message": "The session is closed"});
    assert_eq!(next_json(&mut socket).await, last);
    assert_eq!(closed(&mut socket).await, 1011);

    let mut socket = open_as(&world, &token, "endless").await;
    assert_eq!(next_json(&mut socket).await["number"], 1);
    world.kill_service();
    loop {
        let message = next_json(&mut socket).await;
        if message["type"] == "error" {
            assert_eq!(message["code"], "UNAVAILABLE");
            break;
        }
    }
    assert_eq!(closed(&mut socket).await, 1011);
}

#[tokio::test]
async fn a_socket_ends_with_its_token() {
    let world = world().await;
    let mut socket = open_as(&world, &world.token_for("guard", 5), "endless").await;
    loop {
        match next(&mut socket).await {
            Message::Close(frame) => break assert_eq!(frame.unwrap().code, CloseCode::Library(4401)),
            message => assert!(message.is_text()),
        }
    }
    until("the service hears of it", || {
        world.seen.given_up.load(Ordering::SeqCst) == 1
    })
    .await;
}

#[tokio::test]
async fn sockets_are_told_when_the_gateway_stops() {
    let mut world = world().await;
    let mut socket = open_as(&world, &world.token("guard"), "quietly").await;
    next(&mut socket).await;
    world.stop();
    loop {
        if let Message::Close(frame) = next(&mut socket).await {
            break assert_eq!(frame.unwrap().code, CloseCode::Away);
        }
    }
    soon(world.stopped()).await;
}

#[tokio::test]
async fn a_client_that_goes_away_ends_its_stream() {
    let world = world().await;
    let mut socket = open_as(&world, &world.token("guard"), "endless").await;
    next(&mut socket).await;
    drop(socket);
    until("the service hears of it", || {
        world.seen.given_up.load(Ordering::SeqCst) == 1
    })
    .await;
    // One that says goodbye hears it back.
    let mut socket = open_as(&world, &world.token("guard"), "endless").await;
    next(&mut socket).await;
    socket.close(None).await.unwrap();
    until("the service hears of it", || {
        world.seen.given_up.load(Ordering::SeqCst) == 2
    })
    .await;
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_closed_instead_of_waited_for() {
    let world = world_with(|config| config.deadlines.slow_seconds = 1).await;
    let mut socket = open_as(&world, &world.token("guard"), "flood").await;
    next(&mut socket).await;
    // Nobody reads.
    until("the service hears of it", || {
        world.seen.given_up.load(Ordering::SeqCst) == 1
    })
    .await;
    let sent = world.seen.sent.load(Ordering::SeqCst) * 16 * 1024;
    assert!(sent < 32 * 1024 * 1024, "{sent} bytes were on their way");
    let mut last = next(&mut socket).await;
    while last.is_text() {
        last = next(&mut socket).await;
    }
    let Message::Close(Some(frame)) = last else {
        panic!("{last:?}");
    };
    assert_eq!(frame.code, CloseCode::Again);
}

#[tokio::test]
async fn a_silent_peer_is_pinged_and_then_let_go() {
    let world = world_with(|config| config.deadlines.ping_seconds = 1).await;
    let (mut talking, mut silent) = (
        open_as(&world, &world.token("guard"), "endless").await,
        open_as(&world, &world.token("guard"), "endless").await,
    );
    next(&mut silent).await;
    let mut given_up = tokio::time::interval(Duration::from_millis(10));
    let begun = std::time::Instant::now();
    // One answers its pings by being read, the other is never read again.
    while world.seen.given_up.load(Ordering::SeqCst) == 0 {
        assert!(begun.elapsed() < crate::world::BOUND);
        tokio::select! {
            message = talking.next() => assert!(!matches!(message.unwrap().unwrap(), Message::Close(_))),
            _ = given_up.tick() => {}
        }
    }
    assert_eq!(world.seen.given_up.load(Ordering::SeqCst), 1);
    assert!(begun.elapsed() > Duration::from_secs(1));
}

#[tokio::test]
async fn frames_have_a_size() {
    let world = world().await;
    let mut socket = open_as(&world, &world.token("guard"), "endless").await;
    socket.send(Message::text("x".repeat(1000))).await.unwrap();
    assert!(next(&mut socket).await.is_text());
    let _ = socket.send(Message::text("x".repeat(70_000))).await;
    loop {
        match soon(socket.next()).await {
            Some(Ok(Message::Close(frame))) => break assert_eq!(frame.unwrap().code, CloseCode::Size),
            Some(Ok(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}

async fn events(world: &World, token: &str, how: &str) -> reqwest::Response {
    let request = world
        .http
        .get(world.url(&format!("/ws/watch/{how}")))
        .bearer_auth(token);
    request
        .header("accept", "application/json, text/event-stream;q=0.9")
        .send()
        .await
        .unwrap()
}

#[tokio::test]
async fn a_stream_is_server_sent_events_for_who_accepts_them() {
    let world = world().await;
    let token = world.token("guard");
    let answer = events(&world, &token, "three").await;
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let text = soon(answer.text()).await.unwrap();
    let event = |number: u32| format!("data: {{\"number\":{number},\"filling\":\"\"}}\n\n");
    assert_eq!(text, [event(1), event(2), event(3)].concat());

    let text = soon(events(&world, &token, "dies").await.text()).await.unwrap();
    assert!(
        text.ends_with("}\n\n") && text.contains("event: error\ndata: {\"type\":\"error\",\"code\":\"SESSION_CLOSED\""),
        "{text}"
    );
    let refused = events(&world, &token, "refuses").await;
    assert_eq!(refused.status().as_u16(), 404);
}

#[tokio::test]
async fn events_end_with_their_token_and_with_their_reader() {
    let world = world().await;
    let text = soon(events(&world, &world.token_for("guard", 5), "endless").await.text())
        .await
        .unwrap();
    assert!(
        text.contains("event: error\ndata: {\"type\":\"error\",\"code\":\"UNAUTHENTICATED\""),
        "{text}"
    );
    let mut answer = events(&world, &world.token("guard"), "endless").await;
    soon(answer.chunk()).await.unwrap().unwrap();
    let before = world.seen.given_up.load(Ordering::SeqCst);
    drop(answer);
    until("the service hears of it", || {
        world.seen.given_up.load(Ordering::SeqCst) > before
    })
    .await;
}

/// The code with which a socket is closed after some messages.
async fn closed_after_messages(socket: &mut Socket) -> CloseCode {
    loop {
        match next(socket).await {
            Message::Close(frame) => break frame.unwrap().code,
            message => assert!(message.is_text()),
        }
    }
}

#[tokio::test]
async fn streams_end_when_their_session_does() {
    let world = world().await;
    let claims = world.claims("guard");
    let token = world.keys.sign(&claims);
    let mut other = open_as(&world, &world.token("guard"), "endless").await;
    let mut socket = open_as(&world, &token, "endless").await;
    let mut sent = events(&world, &token, "endless").await;
    next(&mut socket).await;
    soon(sent.chunk()).await.unwrap().unwrap();
    world.keys.end(claims.sid);
    let begun = Instant::now();
    assert_eq!(closed_after_messages(&mut socket).await, CloseCode::Library(4401));
    let text = soon(sent.text()).await.unwrap();
    assert!(text.contains("\"code\":\"UNAUTHENTICATED\""), "{text}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(next(&mut other).await.is_text());
}

#[tokio::test]
async fn a_socket_lives_as_long_as_its_api_key() {
    let world = world().await;
    let (key, id) = world.keys.api_key(Role::Guard, None);
    // Replaced 30 s before its end: each token holds for four seconds of use.
    world.keys.set_exchanged_life(34);
    let mut socket = open_as(&world, &key, "endless").await;
    let begun = Instant::now();
    while world.keys.exchanges() < 3 {
        assert!(next(&mut socket).await.is_text());
        assert!(begun.elapsed() < crate::world::BOUND);
    }
    world.keys.revoke(id);
    let begun = Instant::now();
    assert_eq!(closed_after_messages(&mut socket).await, CloseCode::Library(4401));
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}
