//! Files out.

use std::sync::atomic::Ordering;

use futures_util::StreamExt as _;

use crate::world::{Answer, soon, until, world};

#[tokio::test]
async fn a_file_comes_with_its_name_and_length() {
    let world = world().await;
    let answer = world.get("/api/v1/things?format=csv").await;
    assert_eq!((answer.status, answer.text.as_str()), (200, "a,b\r\na,b\r\n"));
    assert_eq!(answer.header("content-type"), "text/csv");
    assert_eq!(answer.header("content-length"), "10");
    let disposition = "attachment; filename=\"_.csv\"; filename*=UTF-8''%C3%A9.csv";
    assert_eq!(answer.header("content-disposition"), disposition);
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    // Should a browser show it after all, nothing in it runs, loads or is framed.
    let policy = "default-src 'none'; frame-ancestors 'none'; sandbox";
    assert_eq!(answer.header("content-security-policy"), policy);
    let answer = world.get("/api/v1/things?format=csv&how=unsized").await;
    assert_eq!(
        (answer.text.as_str(), answer.header("content-length")),
        ("a,b\r\na,b\r\n", "")
    );
    let answer = Answer::of(world.http.head(world.url("/api/v1/things?format=csv"))).await;
    assert_eq!((answer.header("content-length"), answer.text.as_str()), ("10", ""));
}

#[tokio::test]
async fn the_form_of_a_file_is_chosen_by_the_query_or_else_by_the_header() {
    let world = world().await;
    for (query, accept, form) in [
        // The client of these tests accepts everything unless it is told otherwise.
        ("", None, "png"),
        ("", Some("image/svg+xml"), "svg"),
        ("", Some("image/svg+xml;q=0.4, image/png;q=0.5"), "png"),
        ("", Some("*/*"), "png"),
        ("", Some("text/html"), ""),
        ("?format=png", Some("image/svg+xml"), "png"),
        ("?format=svg", None, "svg"),
    ] {
        let mut request = world.http.get(world.url(&format!("/api/v1/drawing{query}")));
        if let Some(accept) = accept {
            request = request.header("accept", accept);
        }
        let answer = Answer::of(request).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, form), "{query} {accept:?}");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    let request = world.http.get(world.url("/api/v1/drawing?format=gif"));
    assert_eq!(
        Answer::of(request.header("accept", "image/png")).await.fields(),
        ["format"]
    );
}

#[tokio::test]
async fn what_fails_before_the_file_is_an_envelope() {
    let world = world().await;
    assert_eq!(
        world.get("/api/v1/things?format=csv&how=early").await.code(),
        "NOT_FOUND"
    );
    assert_eq!(
        world.get("/api/v1/things?format=csv&how=headless").await.code(),
        "INTERNAL"
    );
    assert_eq!(
        world.get("/api/v1/things?format=csv&colour=red").await.fields(),
        ["colour"]
    );
}

#[tokio::test]
async fn a_file_that_breaks_off_never_looks_whole() {
    let world = world().await;
    for how in ["dies", "short", "long"] {
        let url = world.url(&format!("/api/v1/things?format=csv&how={how}"));
        // The connection is cut, with or without a part of the answer on it.
        if let Ok(answer) = soon(world.http.get(url).send()).await {
            assert_eq!(answer.status(), 200);
            assert!(soon(answer.bytes()).await.is_err(), "{how}");
        }
    }
}

#[tokio::test]
async fn a_slow_reader_slows_the_service_and_a_gone_one_stops_it() {
    let world = world().await;
    let answer = world
        .http
        .get(world.url("/api/v1/things?format=csv&how=endless"))
        .send()
        .await
        .unwrap();
    let mut bytes = answer.bytes_stream();
    soon(bytes.next()).await.unwrap().unwrap();
    // Nobody reads: what was sent stops growing, far below what memory would hold.
    let mut before = 0;
    let mut quiet = 0;
    until("the service is held back", || {
        let sent = world.seen.sent.load(Ordering::SeqCst);
        quiet = if sent == before { quiet + 1 } else { 0 };
        before = sent;
        quiet > 40
    })
    .await;
    assert!(before < 32 * 1024 * 1024, "{before} bytes are on their way");
    assert_eq!(world.seen.given_up.load(Ordering::SeqCst), 0);
    drop(bytes);
    until("the service hears of it", || {
        world.seen.given_up.load(Ordering::SeqCst) == 1
    })
    .await;
}

#[tokio::test]
async fn readers_who_stall_do_not_stop_short_calls() {
    let world = world().await;
    let mut stalled = Vec::new();
    for _ in 0..6 {
        let url = world.url("/api/v1/things?format=csv&how=endless");
        stalled.push(soon(world.http.get(url).send()).await.unwrap());
    }
    let (mut before, mut quiet) = (0, 0);
    until("every window is full", || {
        let sent = world.seen.sent.load(Ordering::SeqCst);
        quiet = if sent == before { quiet + 1 } else { 0 };
        before = sent;
        quiet > 40
    })
    .await;
    let answer = world.get_as(&world.token("guard"), "/api/v1/whoami").await;
    assert_eq!(answer.status, 200);
    assert_eq!(stalled.len(), 6);
}
