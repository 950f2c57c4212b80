//! A token in a cookie: where it counts, where it does not, and that it goes nowhere else.

use std::net::SocketAddr;

use reqwest::RequestBuilder;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::world::{Answer, World, soon, world, world_with};

const COOKIE: &str = "__Host-hostelpulse-refresh";
const ENDED: &str = "__Host-hostelpulse-refresh=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0";

impl World {
    /// A request as a browser with this cookie would send it, without a body.
    fn with_cookie(&self, path: &str, token: &str) -> RequestBuilder {
        let request = self.http.post(self.url(path));
        request.header("cookie", format!("{COOKIE}={token}"))
    }

    /// The same by a page that means it.
    fn on_purpose(&self, path: &str, token: &str) -> RequestBuilder {
        self.with_cookie(path, token).header("x-requested-with", "fetch")
    }

    /// The passes that the service was shown since the last time.
    fn passes(&self) -> Vec<String> {
        std::mem::take(&mut *self.seen.passes.lock().unwrap())
    }
}

fn kept(token: &str) -> String {
    format!("{COOKIE}={token}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=2592000")
}

#[tokio::test]
async fn who_asks_gets_the_token_as_a_cookie_and_not_in_the_answer() {
    let world = world().await;
    let answer = world.post("/api/v1/enter", &json!({"name": "a", "keep": true})).await;
    assert_eq!(answer.data(), json!({"pass": null, "name": "a"}));
    assert_eq!(answer.header("set-cookie"), kept("good"));
    for body in [json!({"name": "a"}), json!({"name": "a", "keep": false})] {
        let answer = world.post("/api/v1/enter", &body).await;
        assert_eq!(answer.data()["pass"], "good");
        assert_eq!(answer.header("set-cookie"), "");
    }
    // Where there is no token, as in a challenge, there is no cookie.
    let answer = world
        .post("/api/v1/enter", &json!({"name": "nobody", "keep": true}))
        .await;
    assert_eq!(answer.data(), json!({"pass": null, "name": "nobody"}));
    assert_eq!(answer.header("set-cookie"), "");
    let answer = world.post("/api/v1/enter", &json!({"name": "odd", "keep": true})).await;
    assert_eq!((answer.status, answer.header("set-cookie")), (500, ""));
    assert!(!answer.text.contains("a b;c"));
}

#[tokio::test]
async fn a_cookie_in_the_request_changes_nothing_where_none_is_taken() {
    let world = world().await;
    let request = world.on_purpose("/api/v1/enter", "good").json(&json!({"name": "a"}));
    let answer = Answer::of(request).await;
    assert_eq!(
        (answer.data()["pass"].as_str(), answer.header("set-cookie")),
        (Some("good"), "")
    );
}

#[tokio::test]
async fn the_browser_keeps_it_as_long_as_is_configured() {
    let world = world_with(|config| config.cookie_seconds = 60).await;
    let answer = world.post("/api/v1/enter", &json!({"keep": true})).await;
    assert!(answer.header("set-cookie").ends_with("; Max-Age=60"));
}

#[tokio::test]
async fn the_cookie_stands_in_for_the_field_and_is_replaced() {
    let world = world().await;
    let request = |token: &str| world.on_purpose("/api/v1/renew", token);
    let typed = |body: &'static str| request("good").header("content-type", "application/json").body(body);
    for request in [
        request("good"),
        request("good").body("{}"),
        request("good").body(""),
        typed("{}"),
        typed(""),
        typed(r#"{"pass": null}"#),
    ] {
        let answer = Answer::of(request).await;
        assert_eq!(answer.data(), json!({"pass": null, "name": ""}));
        assert_eq!(answer.header("set-cookie"), kept("goodx"));
        assert_eq!(world.passes(), ["good"]);
    }
}

#[tokio::test]
async fn the_body_wins_over_the_cookie() {
    let world = world().await;
    // It needs no header then: nothing is taken from the cookie, and nothing put there.
    for request in [
        world.with_cookie("/api/v1/renew", "good2"),
        world.on_purpose("/api/v1/renew", "good2"),
    ] {
        let answer = Answer::of(request.json(&json!({"pass": "good1"}))).await;
        assert_eq!(answer.data()["pass"], "good1x");
        assert_eq!(answer.header("set-cookie"), "");
        assert_eq!(world.passes(), ["good1"]);
    }
    // Also where it says nonsense.
    let answer = Answer::of(world.on_purpose("/api/v1/renew", "good").json(&json!({"pass": ""}))).await;
    assert_eq!(answer.fields(), ["pass"]);
    let answer = Answer::of(world.on_purpose("/api/v1/renew", "good").json(&json!(["good"]))).await;
    assert_eq!(answer.fields(), ["body"]);
    let answer = Answer::of(world.on_purpose("/api/v1/renew", "good").json(&json!({"pass": "bad"}))).await;
    assert_eq!(
        (answer.status, answer.header("set-cookie")),
        (401, ""),
        "the cookie was not what failed"
    );
}

#[tokio::test]
async fn without_body_and_cookie_the_field_is_missing() {
    let world = world().await;
    let bare = world.http.post(world.url("/api/v1/renew"));
    for request in [
        bare.try_clone().unwrap(),
        bare.json(&json!({})),
        world.on_purpose("/api/v1/renew", ""),
    ] {
        assert_eq!(Answer::of(request).await.fields(), ["pass"]);
    }
    let long = "x".repeat(101);
    let answer = Answer::of(world.on_purpose("/api/v1/renew", &long)).await;
    assert_eq!(
        answer.fields(),
        ["pass"],
        "the rules of the field hold for the cookie, too"
    );
    assert!(!answer.text.contains(&long));
    assert!(world.passes().is_empty());
}

#[tokio::test]
async fn without_the_header_the_cookie_is_refused() {
    let world = world().await;
    for path in ["/api/v1/renew", "/api/v1/leave"] {
        let request = world.with_cookie(path, "good").bearer_auth(world.token("student"));
        let answer = Answer::of(request).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "FORBIDDEN"));
        let json = answer.json();
        assert!(json["error"]["message"].as_str().unwrap().contains("X-Requested-With"));
        assert_eq!(answer.header("set-cookie"), "");
    }
    assert!(world.passes().is_empty());
}

#[tokio::test]
async fn no_page_of_another_site_uses_the_cookie() {
    let world = world_with(|config| config.cors_origins = vec!["https://app.example.org".to_owned()]).await;
    let own = format!("http://{}", world.address);
    let mut refused: Vec<Vec<(&str, &str)>> = Vec::new();
    for site in ["cross-site", "same-site", "", "same-origin, none", "Same-Origin"] {
        refused.push(vec![("sec-fetch-site", site)]);
        refused.push(vec![("sec-fetch-site", site), ("origin", &own)]);
        refused.push(vec![("sec-fetch-site", site), ("origin", "https://evil.example.org")]);
    }
    refused.push(vec![
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-site", "cross-site"),
    ]);
    for origin in [
        "null",
        "",
        "https://evil.example.org",
        "https://app.example.org.evil.org",
        "http://app.example.org",
        "app.example.org",
    ] {
        refused.push(vec![("origin", origin)]);
        refused.push(vec![("sec-fetch-site", "same-origin"), ("origin", origin)]);
        refused.push(vec![("sec-fetch-site", "none"), ("origin", origin)]);
    }
    for path in ["/api/v1/renew", "/api/v1/leave"] {
        for headers in &refused {
            let request = world.on_purpose(path, "good").bearer_auth(world.token("student"));
            let request = headers
                .iter()
                .fold(request, |request, (name, value)| request.header(*name, *value));
            let answer = Answer::of(request).await;
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (403, "FORBIDDEN"),
                "{path} {headers:?}"
            );
            assert_eq!(answer.header("set-cookie"), "", "{path} {headers:?}");
        }
        // What a form of another site can send: no header of its own, and a body that is no JSON by name.
        for kind in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
        ] {
            for request in [world.with_cookie(path, "good"), world.on_purpose(path, "good")] {
                let request = request.bearer_auth(world.token("student")).header("content-type", kind);
                let answer = Answer::of(request.body("{}")).await;
                assert_eq!(answer.status, 415, "{path} {kind}");
            }
            let request = world.with_cookie(path, "good").bearer_auth(world.token("student"));
            let answer = Answer::of(request.header("content-type", kind).body("")).await;
            assert_eq!(answer.status, 403, "{path} {kind}");
        }
    }
    assert!(world.passes().is_empty(), "0 accepted");
}

#[tokio::test]
async fn pages_that_may_call_use_the_cookie() {
    let world = world_with(|config| config.cors_origins = vec!["https://app.example.org".to_owned()]).await;
    let own = format!("http://{}", world.address);
    let may: [&[(&str, &str)]; 8] = [
        &[],
        &[("sec-fetch-site", "same-origin")],
        &[("sec-fetch-site", "none")],
        &[("origin", &own)],
        &[("sec-fetch-site", "same-origin"), ("origin", &own)],
        &[("origin", "https://app.example.org")],
        &[("sec-fetch-site", "same-site"), ("origin", "https://app.example.org")],
        &[("sec-fetch-site", "cross-site"), ("origin", "https://app.example.org")],
    ];
    for headers in may {
        let request = world.on_purpose("/api/v1/renew", "good");
        let request = headers
            .iter()
            .fold(request, |request, (name, value)| request.header(*name, *value));
        let answer = Answer::of(request).await;
        assert_eq!(answer.header("set-cookie"), kept("goodx"), "{headers:?}");
        let named = headers.contains(&("origin", "https://app.example.org"));
        let credentials = if named { "true" } else { "" };
        assert_eq!(
            answer.header("access-control-allow-credentials"),
            credentials,
            "{headers:?}"
        );
    }
}

#[tokio::test]
async fn an_unknown_token_ends_the_cookie_and_an_outage_does_not() {
    let world = world().await;
    let answer = Answer::of(world.on_purpose("/api/v1/renew", "stale")).await;
    assert_eq!((answer.status, answer.header("set-cookie")), (401, ENDED));
    let answer = Answer::of(world.on_purpose("/api/v1/renew", "broken")).await;
    assert_eq!((answer.status, answer.header("set-cookie")), (503, ""));
}

#[tokio::test]
async fn leaving_ends_the_cookie_that_was_sent() {
    let world = world().await;
    let student = world.token("student");
    let leave = async |request: RequestBuilder| Answer::of(request.bearer_auth(&student)).await;
    let answer = leave(world.on_purpose("/api/v1/leave", "good")).await;
    assert_eq!(
        (answer.data()["text"].as_str(), answer.header("set-cookie")),
        (Some("good"), ENDED)
    );
    let answer = leave(
        world
            .with_cookie("/api/v1/leave", "good")
            .json(&json!({"pass": "other"})),
    )
    .await;
    assert_eq!(
        (answer.data()["text"].as_str(), answer.header("set-cookie")),
        (Some("other"), ENDED)
    );
    let answer = leave(world.http.post(world.url("/api/v1/leave"))).await;
    assert_eq!((answer.status, answer.header("set-cookie")), (200, ""));
    let answer = leave(world.on_purpose("/api/v1/leave", "stuck")).await;
    assert_eq!((answer.status, answer.header("set-cookie")), (409, ""));
    assert_eq!(world.passes(), ["good", "other", "", "stuck"]);
}

#[tokio::test]
async fn the_cookie_says_nothing_of_who_is_asking_and_reaches_no_service() {
    let world = world().await;
    for (method, path) in [
        ("GET", "/api/v1/whoami"),
        ("POST", "/api/v1/leave"),
        ("POST", "/api/v1/things"),
    ] {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let token = world.token("warden");
        let request = world
            .http
            .request(method, world.url(path))
            .header("x-requested-with", "fetch");
        let request = request.header(
            "cookie",
            format!("{COOKIE}={token}; access_token={token}; token={token}"),
        );
        let answer = Answer::of(request.json(&json!({}))).await;
        assert_eq!((answer.status, answer.header("set-cookie")), (401, ""), "{path}");
    }
    let request = world
        .on_purpose("/api/v1/renew", "good-secret")
        .header("cookie", "other=crumbs");
    assert_eq!(Answer::of(request).await.status, 200);
    assert_eq!(world.passes(), ["good-secret"]);
    let beside = world.seen.beside.lock().unwrap().clone();
    assert!(
        beside.contains("x-request-id") || beside.contains("request-id"),
        "{beside}"
    );
    for crumb in ["cookie", "good-secret", "crumbs", "x-requested-with"] {
        assert!(!beside.contains(crumb), "{crumb} in {beside}");
    }
}

#[tokio::test]
async fn odd_and_doubled_cookies_are_harmless() {
    let world = world().await;
    let odd: [&[u8]; 7] = [
        b"good;x",
        b"good; __Host-hostelpulse-refresh=good",
        b"\"good\"",
        b"go od",
        b"good\x7f",
        b"good\xff",
        b"g\xc3\xb6od",
    ];
    for (number, value) in odd.iter().enumerate() {
        let line = [COOKIE.as_bytes(), b"=", value].concat();
        let line = reqwest::header::HeaderValue::from_bytes(&line);
        // The client refuses what no header may hold; `raw` sends it.
        let Ok(line) = line else { continue };
        let request = world
            .http
            .post(world.url("/api/v1/renew"))
            .header("x-requested-with", "fetch");
        let answer = Answer::of(request.header("cookie", line)).await;
        if number == 0 {
            assert_eq!(
                answer.header("set-cookie"),
                kept("goodx"),
                "another cookie of no name follows"
            );
            assert_eq!(world.passes(), ["good"]);
        } else {
            assert_eq!(answer.fields(), ["pass"], "{value:?}");
            assert_eq!(answer.header("set-cookie"), "", "{value:?}");
        }
    }
    let two = world
        .on_purpose("/api/v1/renew", "good")
        .header("cookie", format!("{COOKIE}=good2"));
    assert_eq!(
        Answer::of(two).await.fields(),
        ["pass"],
        "nobody can say which is meant"
    );
    assert!(world.passes().is_empty());
}

#[tokio::test]
async fn line_breaks_in_a_cookie_reach_nobody() {
    let world = world().await;
    for value in ["good\rSet-Cookie: a=b", "good\r\n\tfolded: 1", "good\0x", "good\nx"] {
        let address = world.address;
        let request = format!(
            "POST /api/v1/renew HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nX-Requested-With: x\r\n\
             Content-Length: 0\r\nCookie: {COOKIE}={value}\r\n\r\n"
        );
        let answer = raw(address, request.as_bytes()).await.to_ascii_lowercase();
        assert!(answer.starts_with("http/1.1 400"), "{value:?}: {answer}");
        assert!(!answer.contains("set-cookie"), "{value:?}: {answer}");
    }
    assert!(world.passes().is_empty());
}

/// What comes back for these bytes.
async fn raw(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = soon(TcpStream::connect(address)).await.unwrap();
    soon(stream.write_all(request)).await.unwrap();
    let mut answer = Vec::new();
    // A server that hangs up on nonsense may reset the connection.
    let _ = soon(stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn answers_without_a_cookie_are_as_ever() {
    let world = world().await;
    let answer = world.post("/api/v1/renew", &json!({"pass": "good"})).await;
    let mut json = answer.json();
    json["timestamp"] = Value::Null;
    assert_eq!(
        json,
        json!({"success": true, "data": {"pass": "goodx", "name": ""}, "timestamp": null})
    );
    assert_eq!(answer.header("set-cookie"), "");
}
