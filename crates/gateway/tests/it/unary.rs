//! Unary rpcs: what goes in, what comes out, what is refused.

use serde_json::json;

use crate::world::{Answer, world};

const ID: &str = "0192f0c1-2345-7abc-8def-0123456789ab";

#[tokio::test]
async fn path_query_and_body_become_one_message() {
    let world = world().await;
    let answer = world
        .post(&format!("/api/v1/echo/{ID}"), &json!({"text": "hello", "number": 3}))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("content-type"), "application/json");
    let data = answer.data();
    assert_eq!(
        (data["text"].as_str(), data["user"].as_str()),
        (Some("hello"), Some("nobody"))
    );
    assert_eq!(data["ip"], "127.0.0.1");
    assert_eq!(answer.json().get("message"), None);
    let heard = world.seen.last_echo.lock().unwrap().clone().unwrap();
    assert_eq!((heard.id.as_str(), heard.number), (ID, Some(3)));

    // A further binding, and the path's parameter said again.
    let answer = world
        .post(&format!("/api/v1/repeat/{ID}"), &json!({"id": ID, "text": "again"}))
        .await;
    assert_eq!(answer.data()["text"], "again");
}

#[tokio::test]
async fn a_body_can_be_one_field_beside_the_query_and_patch_works_like_put() {
    let world = world().await;
    let url = world.url("/api/v1/things/a%20b%2F%C3%A9?dry=true");
    for request in [world.http.put(&url), world.http.patch(&url)] {
        let answer = Answer::of(request.json(&json!({"name": "new"}))).await;
        assert_eq!(answer.data()["name"], "new");
        let heard = world.seen.last_update.lock().unwrap().take().unwrap();
        assert_eq!((heard.id.as_str(), heard.dry), ("a b/é", Some(true)));
    }
    let answer = Answer::of(world.http.put(world.url("/api/v1/things/1?thing=x")).json(&json!({}))).await;
    assert_eq!(answer.fields(), ["thing"]);
}

#[tokio::test]
async fn a_list_is_data_and_pagination() {
    let world = world().await;
    let answer = world.get("/api/v1/things?page=3&search=a+b%26").await.json();
    assert_eq!(answer["data"], json!([{"id": "1", "name": "a b&"}]));
    let page = json!({"current_page": 3, "per_page": 20, "total_pages": 1, "total_items": 1});
    assert_eq!(answer["pagination"], page);
    assert!(answer["timestamp"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn a_creation_is_201_with_its_message_and_its_key() {
    let world = world().await;
    let warden = world.token("warden");
    let create = || {
        world
            .http
            .post(world.url("/api/v1/things"))
            .bearer_auth(&warden)
            .json(&json!({"name": "x"}))
    };
    let answer = Answer::of(create().header("idempotency-key", "key-1")).await;
    assert_eq!(
        (answer.status, answer.json()["message"].as_str()),
        (201, Some("Thing created"))
    );
    assert_eq!(answer.data()["id"], "key-1");
    for wrong in ["", "with space", &"x".repeat(256)] {
        let answer = Answer::of(create().header("idempotency-key", wrong)).await;
        assert_eq!(answer.fields(), ["Idempotency-Key"]);
    }
}

#[tokio::test]
async fn who_may_not_call_is_refused_before_anything_is_read() {
    let world = world().await;
    let url = world.url("/api/v1/things");
    let nonsense = || {
        world
            .http
            .post(&url)
            .header("content-type", "application/json")
            .body("{")
    };
    assert_eq!(Answer::of(nonsense()).await.code(), "UNAUTHENTICATED");
    assert_eq!(Answer::of(nonsense()).await.header("www-authenticate"), "Bearer");
    let student = world.token("student");
    let answer = Answer::of(nonsense().bearer_auth(&student)).await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "FORBIDDEN"));
    assert_eq!(
        Answer::of(nonsense().bearer_auth(world.token("warden"))).await.fields(),
        ["body"]
    );

    for token in [
        "",
        "x",
        "a.b.c",
        &world.token_for("warden", -1),
        &world.token("emperor"),
    ] {
        let answer = world.get_as(token, "/api/v1/whoami").await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (401, "UNAUTHENTICATED"),
            "{token}"
        );
    }
    // A service's own token opens nothing from outside.
    let answer = Answer::of(
        world
            .http
            .get(world.url("/api/v1/whoami"))
            .header("authorization", "Basic x"),
    )
    .await;
    assert_eq!(answer.code(), "UNAUTHENTICATED");
    assert_eq!(world.get_as(&student, "/api/v1/whoami").await.data()["user"], "student");
    // A stale token locks nobody out of what is public.
    assert_eq!(world.get_as("stale", "/api/v1/things").await.status, 200);
}

#[tokio::test]
async fn what_does_not_fit_is_refused_by_name() {
    let world = world().await;
    let echo = format!("/api/v1/echo/{ID}");
    let fields = async |path: &str, body: serde_json::Value| world.post(path, &body).await.fields();
    assert_eq!(fields("/api/v1/echo/7", json!({"text": "x"})).await, ["id"]);
    assert_eq!(
        fields(&echo, json!({"text": "x", "id": ID.replace('1', "2")})).await,
        ["id"]
    );
    assert_eq!(fields(&echo, json!({"text": "x", "colour": "red"})).await, ["colour"]);
    assert_eq!(fields(&echo, json!({"text": 7})).await, ["text"]);
    assert_eq!(fields(&echo, json!({"text": "a\u{0}b"})).await, ["text"]);
    assert_eq!(fields(&echo, json!({"text": "x", "number": 11})).await, ["number"]);
    assert_eq!(fields(&echo, json!([1])).await, ["body"]);
    assert_eq!(fields(&echo, json!({})).await, ["text"]);
    assert_eq!(
        fields(&format!("{echo}?number=1"), json!({"text": "x"})).await,
        ["number"]
    );
    for query in [
        "colour=red",
        "page=0",
        "page=x",
        "page=1&page=2",
        "search=%ff",
        "search=%",
        "search=%00",
        "format=xml",
    ] {
        let answer = world.get(&format!("/api/v1/things?{query}")).await;
        let field = query.split('=').next().unwrap();
        let expected = if query.contains('%') { "query" } else { field };
        assert_eq!(answer.fields()[0], expected, "{query}");
    }
    let answer = Answer::of(world.http.put(world.url("/api/v1/things/%FF")).json(&json!({}))).await;
    assert_eq!(answer.fields(), ["id"]);
    let answer = Answer::of(world.http.get(world.url("/api/v1/things")).json(&json!({}))).await;
    assert_eq!(answer.fields(), ["body"]);
}

#[tokio::test]
async fn whoever_has_nothing_to_say_may_say_so() {
    let world = world().await;
    let token = world.token("student");
    let say = async |body: &str| {
        let request = world.http.post(world.url("/api/v1/whoami")).bearer_auth(&token);
        let request = request.header("content-type", "application/json");
        Answer::of(request.body(body.to_owned())).await
    };
    for nothing in ["", "{}", " {\n} "] {
        assert_eq!(say(nothing).await.status, 200, "{nothing:?}");
    }
    let much = format!("{{{}}}", " ".repeat(100_000));
    for something in ["{\"text\":1}", "[]", "null", "{", "x", &much] {
        assert_eq!(say(something).await.fields(), ["body"]);
    }
}

#[tokio::test]
async fn bodies_that_are_no_json_are_refused() {
    let world = world().await;
    let send = async |kind: &str, body: Vec<u8>| {
        let request = world
            .http
            .post(world.url(&format!("/api/v1/echo/{ID}")))
            .header("content-type", kind);
        Answer::of(request.body(body)).await
    };
    let json = "application/json";
    for broken in ["{", "{\"text\":\"x\"}}", "nope", "{\"text\":1e999}", "\u{feff}{}"] {
        let answer = send(json, broken.into()).await;
        assert_eq!(answer.fields(), ["body"], "{broken}");
        assert!(answer.text.contains("line 1"), "{}", answer.text);
    }
    assert_eq!(send(json, b"{\"text\":\"\xff\"}".to_vec()).await.fields(), ["body"]);
    assert_eq!(send(json, b"{\"text\":\"\\ud800\"}".to_vec()).await.fields(), ["body"]);
    for depth in [33, 100, 5000] {
        let deep = format!("{{\"text\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(send(json, deep.into()).await.status, 400);
    }
    let answer = send("text/plain", b"{}".to_vec()).await;
    assert_eq!((answer.status, answer.code().as_str()), (415, "UNSUPPORTED_MEDIA_TYPE"));
    let large = format!("{{\"text\":\"{}\"}}", "x".repeat(64 * 1024));
    let answer = send(json, large.into()).await;
    assert_eq!((answer.status, answer.code().as_str()), (413, "PAYLOAD_TOO_LARGE"));
    let pieces = (0..100).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1024]));
    let body = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces.collect::<Vec<_>>()));
    let request = world
        .http
        .post(world.url(&format!("/api/v1/echo/{ID}")))
        .header("content-type", json);
    assert_eq!(Answer::of(request.body(body)).await.code(), "PAYLOAD_TOO_LARGE");
}
