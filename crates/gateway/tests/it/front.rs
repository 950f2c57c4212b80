//! What every answer has in common, and the pages that belong to no rpc.

use std::sync::atomic::Ordering;

use serde_json::json;

use crate::world::{Answer, world, world_with};

fn assert_safe(answer: &Answer) {
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("x-frame-options"), "DENY");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    assert!(
        answer
            .header("content-security-policy")
            .contains("frame-ancestors 'none'")
    );
    assert!(!answer.header("cache-control").is_empty());
    assert!(!answer.header("x-request-id").is_empty());
    assert_eq!((answer.header("server"), answer.header("x-xss-protection")), ("", ""));
}

#[tokio::test]
async fn every_answer_is_safe_to_show() {
    let world = world_with(|config| config.hsts = true).await;
    let paths = [
        "/api/v1/things",
        "/api/v1/whoami",
        "/nothing",
        "/health/live",
        "/docs/",
        "/openapi.json",
        "/ws/watch/x",
    ];
    for path in paths {
        let answer = world.get(path).await;
        assert_safe(&answer);
        assert!(
            answer.header("strict-transport-security").starts_with("max-age="),
            "{path}"
        );
    }
    assert_eq!(world.get("/api/v1/things").await.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_path_knows_its_methods() {
    let world = world().await;
    assert_eq!(world.get("/api/v1/nothing").await.code(), "NOT_FOUND");
    assert_eq!(world.get("/api/v1/things/").await.code(), "NOT_FOUND");
    let answer = Answer::of(world.http.delete(world.url("/api/v1/things"))).await;
    assert_eq!((answer.status, answer.code().as_str()), (405, "METHOD_NOT_ALLOWED"));
    assert_eq!(answer.header("allow"), "GET, HEAD, OPTIONS, POST");
    let answer = Answer::of(world.http.post(world.url("/api/v1/things/1"))).await;
    assert_eq!(answer.header("allow"), "OPTIONS, PATCH, PUT");
    let answer = Answer::of(
        world
            .http
            .request(reqwest::Method::OPTIONS, world.url("/api/v1/things")),
    )
    .await;
    assert_eq!(
        (answer.status, answer.header("allow")),
        (200, "GET, HEAD, OPTIONS, POST")
    );
    let answer = Answer::of(world.http.head(world.url("/api/v1/things"))).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, ""));
    assert!(answer.header("content-length").parse::<u64>().unwrap() > 50);
}

#[tokio::test]
async fn heads_have_sizes() {
    let world = world().await;
    let answer = world.get(&format!("/api/v1/things?search={}", "x".repeat(9000))).await;
    assert_eq!((answer.status, answer.code().as_str()), (414, "URI_TOO_LONG"));
    let request = world
        .http
        .get(world.url("/api/v1/things"))
        .header("x-long", "x".repeat(33_000));
    let answer = Answer::of(request).await;
    assert_eq!((answer.status, answer.code().as_str()), (431, "HEADERS_TOO_LARGE"));
}

#[tokio::test]
async fn a_request_keeps_its_id_and_its_trace() {
    let world = world().await;
    let token = world.token("guard");
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let ask = |id: &str, trace: &str| {
        let request = world.http.get(world.url("/api/v1/whoami")).bearer_auth(&token);
        request
            .header("x-request-id", id)
            .header("traceparent", trace)
            .header("user-agent", "phone/1 (é)")
    };
    let answer = Answer::of(ask("my-id.1", trace)).await;
    assert_eq!(answer.header("x-request-id"), "my-id.1");
    let data = answer.data();
    assert_eq!(data["request_id"], "my-id.1");
    assert_eq!(data["traceparent"], trace);
    assert_eq!(data["user_agent"], "phone/1 (??)");
    let answer = Answer::of(ask("a b", "nonsense")).await;
    let data = answer.data();
    assert_eq!(data["request_id"].as_str().unwrap(), answer.header("x-request-id"));
    assert_eq!(answer.header("x-request-id").len(), 36);
    assert_ne!(data["traceparent"], "nonsense");
}

#[tokio::test]
async fn nobody_can_speak_for_the_gateway() {
    let world = world().await;
    let forged = |name: &'static str, value: &'static str| {
        let request = world
            .http
            .get(world.url("/api/v1/whoami"))
            .bearer_auth(world.token("guard"));
        Answer::of(request.header(name, value))
    };
    assert_eq!(
        forged("hostelpulse-client-ip", "9.9.9.9").await.data()["ip"],
        "127.0.0.1"
    );
    assert_eq!(forged("x-forwarded-for", "9.9.9.9").await.data()["ip"], "127.0.0.1");
    assert_eq!(forged("hostelpulse-forwarded-by", "x").await.data()["ip"], "127.0.0.1");
    let world = world_with(|config| {
        config.trusted_proxies = vec![serde_json::from_value(json!("127.0.0.0/8")).unwrap()];
    })
    .await;
    let request = world
        .http
        .get(world.url("/api/v1/whoami"))
        .bearer_auth(world.token("guard"));
    let answer = Answer::of(request.header("x-forwarded-for", "1.1.1.1, 9.9.9.9")).await;
    assert_eq!(answer.data()["ip"], "9.9.9.9");
}

#[tokio::test]
async fn only_named_origins_may_call_from_a_page() {
    let world = world_with(|config| config.cors_origins = vec!["https://app.example.org".to_owned()]).await;
    let ask = async |method: &str, origin: &str| {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let request = world
            .http
            .request(method, world.url("/api/v1/things"))
            .header("origin", origin);
        Answer::of(request.header("access-control-request-method", "POST")).await
    };
    let answer = ask("OPTIONS", "https://app.example.org").await;
    assert_eq!(answer.header("access-control-allow-origin"), "https://app.example.org");
    assert_eq!(
        answer.header("access-control-allow-methods"),
        "GET, HEAD, OPTIONS, POST"
    );
    assert!(answer.header("access-control-allow-headers").contains("authorization"));
    assert!(
        answer
            .header("access-control-allow-headers")
            .contains("x-requested-with")
    );
    assert_eq!(answer.header("access-control-allow-credentials"), "true");
    let answer = ask("GET", "https://app.example.org").await;
    assert_eq!(answer.header("access-control-allow-origin"), "https://app.example.org");
    assert_eq!(answer.header("vary"), "origin");
    for foreign in ["https://evil.example.org", "https://app.example.org.evil.org", "null"] {
        for method in ["GET", "OPTIONS"] {
            let answer = ask(method, foreign).await;
            assert_eq!(answer.header("access-control-allow-origin"), "", "{foreign}");
            assert_eq!(answer.header("access-control-allow-methods"), "", "{foreign}");
            assert_eq!(answer.header("access-control-allow-credentials"), "", "{foreign}");
        }
    }
}

#[tokio::test]
async fn health_names_each_dependency() {
    let mut world = world().await;
    let ready = world.get("/health/ready").await;
    let data = json!({"status": "ready", "dependencies": {"auth": "up", "trial": "up"}});
    assert_eq!((ready.status, ready.data()), (200, data));
    world.kill_service();
    let begun = std::time::Instant::now();
    loop {
        let ready = world.get("/health/ready").await;
        if ready.status == 503 {
            assert_eq!(ready.data()["dependencies"], json!({"auth": "up", "trial": "down"}));
            break;
        }
        assert!(begun.elapsed() < crate::world::BOUND);
    }
    assert_eq!(world.get("/health/live").await.data(), json!({"status": "live"}));
}

#[tokio::test]
async fn keys_are_served_bare_and_pages_from_the_binary() {
    let world = world().await;
    let keys = world.get("/.well-known/jwks.json").await;
    assert_eq!(keys.json()["keys"][0]["kid"], "test-key");
    let page = world.get("/docs/").await;
    assert!(page.text.contains("swagger-ui-bundle.js") && page.header("content-type").starts_with("text/html"));
    assert!(page.header("content-security-policy").contains("script-src 'self'"));
    assert!(
        world
            .get("/docs/swagger-initializer.js")
            .await
            .text
            .contains("/openapi.json")
    );
    assert_eq!(world.get("/docs/swagger-ui.css").await.status, 200);
    assert_eq!(world.get("/docs/nothing.js").await.code(), "NOT_FOUND");
    assert_eq!(world.get("/docs/..%2f..%2fetc%2fpasswd").await.code(), "NOT_FOUND");

    let document = world.get("/openapi.json").await;
    assert!(document.json().is_object());
    let tag = document.header("etag").to_owned();
    let again = Answer::of(world.http.get(world.url("/openapi.json")).header("if-none-match", tag)).await;
    assert_eq!((again.status, again.text.as_str()), (304, ""));
}

#[tokio::test]
async fn a_panic_answers_and_takes_nothing_else_down() {
    let world = world().await;
    world.seen.figures_break.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        let answer = world.get("/metrics").await;
        assert_eq!((answer.status, answer.code().as_str()), (500, "INTERNAL"));
        assert!(!answer.header("x-request-id").is_empty());
        assert!(!answer.text.contains("figures"));
    }
    assert_eq!(world.get("/api/v1/things").await.status, 200);
}

#[tokio::test]
async fn requests_are_counted_by_route() {
    let world = world().await;
    world.get("/api/v1/fail/refuses").await;
    world.get("/api/v1/nothing/at/all").await;
    let answer = world.get("/metrics").await;
    assert!(answer.header("content-type").starts_with("text/plain; version=0.0.4"));
    let counted = |line: &str| assert!(answer.text.contains(line), "{line} is not in {}", answer.text);
    counted("http_requests_total{method=\"GET\",route=\"/api/v1/fail/{how}\",status=\"422\"}");
    counted("http_requests_total{method=\"any\",route=\"none\",status=\"404\"}");
    counted("http_request_duration_seconds");
    assert!(!answer.text.contains("/api/v1/fail/refuses"));
}
