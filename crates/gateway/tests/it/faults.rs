//! Services and clients that fail: deadlines, deaths, silence, our own stop.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::world::{soon, until, world, world_with};

#[tokio::test]
async fn faults_of_a_service_become_envelopes() {
    let world = world().await;
    let answer = world.get("/api/v1/fail/refuses").await;
    assert_eq!((answer.status, answer.code().as_str()), (422, "LOCATION_MISMATCH"));
    assert_eq!(
        answer.json()["error"]["details"],
        serde_json::json!({"distance_meters": 5.5})
    );
    let answer = world.get("/api/v1/fail/unavailable").await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, "2"));
    for how in ["panic", "oddly"] {
        let answer = world.get(&format!("/api/v1/fail/{how}")).await;
        assert_eq!((answer.status, answer.code().as_str()), (500, "INTERNAL"));
        assert!(!answer.text.contains("10.0.0.3") && !answer.text.contains("hunter2"));
    }
    assert_eq!(world.get("/api/v1/things").await.status, 200);
}

#[tokio::test]
async fn a_slow_service_ends_at_its_deadline() {
    let world = world_with(|config| config.deadlines.call_seconds = 1).await;
    let begun = Instant::now();
    let answer = world.get("/api/v1/fail/slow").await;
    assert_eq!((answer.status, answer.code().as_str()), (504, "DEADLINE_EXCEEDED"));
    assert!(begun.elapsed() < Duration::from_secs(3));
    until("the service hears of it", || {
        world.seen.given_up.load(Ordering::SeqCst) == 1
    })
    .await;
}

#[tokio::test]
async fn a_client_that_hangs_up_ends_its_call() {
    let world = world().await;
    let mut connection = TcpStream::connect(world.address).await.unwrap();
    connection
        .write_all(b"GET /api/v1/fail/slow HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    until("the call", || world.seen.begun.load(Ordering::SeqCst) == 1).await;
    drop(connection);
    let begun = Instant::now();
    until("its end", || world.seen.given_up.load(Ordering::SeqCst) == 1).await;
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_dead_service_is_told_honestly() {
    let mut world = world().await;
    let waiting = tokio::spawn({
        let request = world.http.get(world.url("/api/v1/fail/slow"));
        async move { crate::world::Answer::of(request).await }
    });
    until("the call", || world.seen.begun.load(Ordering::SeqCst) == 1).await;
    world.kill_service();
    let answer = soon(waiting).await.unwrap();
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (503, "UNAVAILABLE"),
        "{}",
        answer.text
    );
    let begun = Instant::now();
    let answer = world.get("/api/v1/things").await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (503, "UNAVAILABLE"),
        "{}",
        answer.text
    );
    assert!(begun.elapsed() < Duration::from_secs(4));
    assert!(!answer.header("retry-after").is_empty());
}

/// What comes back on a connection until it ends.
async fn rest_of(mut connection: TcpStream) -> String {
    let mut heard = Vec::new();
    let _ = soon(connection.read_to_end(&mut heard)).await;
    String::from_utf8_lossy(&heard).into_owned()
}

#[tokio::test]
async fn silent_clients_are_let_go() {
    let world = world_with(|config| {
        config.deadlines.head_seconds = 1;
        config.deadlines.body_seconds = 1;
        config.deadlines.idle_seconds = 1;
    })
    .await;
    let begun = Instant::now();
    let open = async |sent: &str| {
        let mut connection = TcpStream::connect(world.address).await.unwrap();
        connection.write_all(sent.as_bytes()).await.unwrap();
        rest_of(connection).await
    };
    let id = "0192f0c1-2345-7abc-8def-0123456789ab";
    let json = format!(
        "POST /api/v1/echo/{id} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 20\r\n\r\n{{"
    );
    let form = "POST /api/v1/things/1/file HTTP/1.1\r\nhost: x\r\ncontent-type: multipart/form-data; boundary=b\r\ncontent-length: 9000\r\n\r\n--b\r\n";
    let (silent, dripping, json, form) = tokio::join!(open(""), open("GET / HTTP/1.1\r\nx"), open(&json), open(form));
    assert!(silent.is_empty() || silent.starts_with("HTTP/1.1 408"), "{silent}");
    assert!(dripping.starts_with("HTTP/1.1 408"), "{dripping}");
    assert!(
        json.starts_with("HTTP/1.1 408") && json.contains("REQUEST_TIMEOUT"),
        "{json}"
    );
    assert!(
        form.starts_with("HTTP/1.1 408") && form.contains("REQUEST_TIMEOUT"),
        "{form}"
    );
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn stopping_lets_requests_finish() {
    let mut world = world_with(|config| config.deadlines.call_seconds = 2).await;
    let waiting = tokio::spawn({
        let request = world.http.get(world.url("/api/v1/fail/slow"));
        async move { crate::world::Answer::of(request).await }
    });
    until("the call", || world.seen.begun.load(Ordering::SeqCst) == 1).await;
    let address = world.address;
    world.stop();
    // It finishes in its own way, at its deadline.
    assert_eq!(soon(waiting).await.unwrap().status, 504);
    soon(world.stopped()).await;
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn readiness_ends_before_service_does() {
    let mut world = world_with(|config| config.drain_seconds = 2).await;
    assert_eq!(world.get("/health/ready").await.status, 200);
    world.stop();
    let begun = Instant::now();
    while world.get("/health/ready").await.status != 503 {
        assert!(begun.elapsed() < Duration::from_secs(2));
    }
    assert_eq!(world.get("/health/ready").await.data()["status"], "stopping");
    assert_eq!(world.get("/api/v1/things").await.status, 200);
    soon(world.stopped()).await;
}

#[tokio::test]
async fn an_overload_is_turned_away_at_once() {
    let world = world_with(|config| config.max_requests = 1).await;
    let waiting = tokio::spawn({
        let request = world.http.get(world.url("/api/v1/fail/slow"));
        async move { crate::world::Answer::of(request).await }
    });
    until("the call", || world.seen.begun.load(Ordering::SeqCst) == 1).await;
    let begun = Instant::now();
    let answer = world.get("/api/v1/things").await;
    assert_eq!((answer.status, answer.code().as_str()), (503, "UNAVAILABLE"));
    assert!(!answer.header("retry-after").is_empty());
    // Whoever waited for the other call would wait for its whole deadline of 10 s.
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(world.get("/health/live").await.status, 200);
    waiting.abort();
    until("the service hears of it", || {
        world.seen.given_up.load(Ordering::SeqCst) == 1
    })
    .await;
    assert_eq!(world.get("/api/v1/things").await.status, 200);
}
