//! Tokens and API keys at the door: what is forged, what has ended, what is exchanged.

use std::time::{Duration, Instant};

use kit::{access::ServiceTokens, testing::forged_tokens};
use proto::options::Role;
use reqwest::RequestBuilder;

use crate::world::{Answer, BOUND, World, world, world_with};

const WHOAMI: &str = "/api/v1/whoami";
/// What ended is refused everywhere within this.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Asks until the answer is 401; how long that took.
async fn refused(world: &World, bearer: &str) -> Duration {
    let begun = Instant::now();
    while world.get_as(bearer, WHOAMI).await.status != 401 {
        assert!(begun.elapsed() < BOUND, "it is never refused");
    }
    begun.elapsed()
}

/// A request that comes through a proxy from an address.
fn from(world: &World, bearer: &str, ip: &str) -> RequestBuilder {
    let request = world.http.get(world.url(WHOAMI)).bearer_auth(bearer);
    request.header("x-forwarded-for", ip)
}

#[tokio::test]
async fn forged_tokens_open_nothing() {
    let world = world().await;
    let forged = forged_tokens(&world.keys, &world.clock);
    assert!(forged.len() >= 40);
    for (what, token) in forged {
        let answer = world.get_as(&token, WHOAMI).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (401, "UNAUTHENTICATED"),
            "{what}"
        );
        assert_eq!(answer.header("www-authenticate"), "Bearer", "{what}");
    }
    // A service's own token opens nothing from outside.
    let service = ServiceTokens::new("gateway", world.secret.clone(), world.clock.clone());
    let answer = world.get_as(&service.token().unwrap(), WHOAMI).await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "UNAUTHENTICATED"));
    assert_eq!(world.get_as(&world.token("guard"), WHOAMI).await.status, 200);
}

#[tokio::test]
async fn a_token_of_a_megabyte_is_not_even_read() {
    let world = world().await;
    let begun = Instant::now();
    let request = world.http.get(world.url(WHOAMI)).bearer_auth("x".repeat(1 << 20));
    // The connection may be closed while the client is still sending.
    if let Ok(answer) = request.send().await {
        assert!(answer.status().is_client_error(), "{}", answer.status());
    }
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(world.get_as(&world.token("guard"), WHOAMI).await.status, 200);
}

#[tokio::test]
async fn a_session_that_ended_is_refused_within_a_second() {
    let world = world().await;
    let claims = world.claims("guard");
    let (token, other) = (world.keys.sign(&claims), world.token("guard"));
    assert_eq!(world.get_as(&token, WHOAMI).await.status, 200);
    world.keys.end(claims.sid);
    let took = refused(&world, &token).await;
    assert!(took < AT_ONCE, "{took:?}");
    assert_eq!(world.get_as(&other, WHOAMI).await.status, 200);
}

#[tokio::test]
async fn guessing_tokens_spends_the_budget_of_the_address() {
    let world = world_with(|config| config.limits.anonymous_per_minute = 3).await;
    for _ in 0..3 {
        assert_eq!(world.get_as("a.b.c", WHOAMI).await.status, 401);
    }
    assert_eq!(world.get_as("a.b.c", WHOAMI).await.status, 429);
    assert_eq!(world.get_as("hpk_guessed", WHOAMI).await.status, 429);
    // Whoever has a token pays from a budget of their own.
    assert_eq!(world.get_as(&world.token("guard"), WHOAMI).await.status, 200);
}

#[tokio::test]
async fn guessing_api_keys_stops_at_the_door() {
    let world = world_with(|config| config.limits.anonymous_per_minute = 3).await;
    let (known, _) = world.keys.api_key(Role::Guard, None);
    let (new, _) = world.keys.api_key(Role::Guard, None);
    assert_eq!(world.get_as(&known, WHOAMI).await.status, 200);
    for number in 0..3 {
        assert_eq!(world.get_as(&format!("hpk_guess{number}"), WHOAMI).await.status, 401);
    }
    assert_eq!(world.keys.exchanges(), 4);
    for number in 3..20 {
        let answer = world.get_as(&format!("hpk_guess{number}"), WHOAMI).await;
        assert_eq!((answer.status, answer.code().as_str()), (429, "RATE_LIMITED"));
        let wait: u64 = answer.header("retry-after").parse().unwrap();
        assert!((1..=20).contains(&wait), "{wait}");
    }
    // Nobody can tell a good key from a guess without asking; one that was good goes on to open.
    assert_eq!(world.get_as(&new, WHOAMI).await.status, 429);
    assert_eq!(world.get_as(&known, WHOAMI).await.status, 200);
    assert_eq!(world.keys.exchanges(), 4);
}

#[tokio::test]
async fn an_api_key_is_exchanged_once_an_address() {
    let world = world_with(|config| {
        config.trusted_proxies = vec!["127.0.0.1".to_owned().try_into().unwrap()];
    })
    .await;
    let (key, _) = world.keys.api_key(Role::Staff, None);
    let requests = (0..20).map(|_| world.get_as(&key, WHOAMI));
    for answer in futures_util::future::join_all(requests).await {
        assert_eq!(answer.data()["user"], "staff");
    }
    assert_eq!(world.keys.exchanges(), 1);
    for _ in 0..3 {
        let answer = Answer::of(from(&world, &key, "198.51.100.7")).await;
        assert_eq!(answer.data()["ip"], "198.51.100.7");
    }
    assert_eq!(world.keys.exchanges(), 2);
}

#[tokio::test]
async fn an_api_key_is_good_where_it_may_be_used() {
    let world = world_with(|config| {
        config.trusted_proxies = vec!["127.0.0.1".to_owned().try_into().unwrap()];
    })
    .await;
    let (key, _) = world.keys.api_key(Role::Guard, Some("198.51.100.7"));
    assert_eq!(Answer::of(from(&world, &key, "198.51.100.7")).await.status, 200);
    let answer = Answer::of(from(&world, &key, "198.51.100.8")).await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "FORBIDDEN"));
    // What the role of the key may not do, its bearer may not.
    let create = world.http.post(world.url("/api/v1/things"));
    let create = create
        .bearer_auth(&key)
        .header("x-forwarded-for", "198.51.100.7")
        .json(&serde_json::json!({"name": "x"}));
    assert_eq!(Answer::of(create).await.status, 403);
}

#[tokio::test]
async fn a_revoked_api_key_is_refused_within_a_second() {
    let world = world().await;
    let (key, id) = world.keys.api_key(Role::Guard, None);
    assert_eq!(world.get_as(&key, WHOAMI).await.status, 200);
    world.keys.revoke(id);
    let took = refused(&world, &key).await;
    assert!(took < AT_ONCE, "{took:?}");
}

#[tokio::test]
async fn an_api_key_is_not_refused_because_auth_is_away() {
    let world = world().await;
    let (key, _) = world.keys.api_key(Role::Guard, None);
    world.keys.set_away(true);
    let answer = world.get_as(&key, WHOAMI).await;
    assert_eq!((answer.status, answer.code().as_str()), (503, "UNAVAILABLE"));
    assert!(!answer.header("retry-after").is_empty());
    world.keys.set_away(false);
    assert_eq!(world.get_as(&key, WHOAMI).await.status, 200);
}
