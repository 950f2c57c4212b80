//! How often: per address, per user, and failures only.

use std::sync::atomic::Ordering;

use serde_json::json;

use crate::world::{Answer, World, until, world, world_with};

#[tokio::test]
async fn a_budget_ends_and_says_when_it_begins_again() {
    let world = world_with(|config| config.limits.anonymous_per_minute = 3).await;
    for left in ["2", "1", "0"] {
        let answer = world.get("/api/v1/things").await;
        assert_eq!((answer.status, answer.header("ratelimit-remaining")), (200, left));
        assert_eq!(answer.header("ratelimit-limit"), "3");
    }
    let answer = world.get("/api/v1/things").await;
    assert_eq!((answer.status, answer.code().as_str()), (429, "RATE_LIMITED"));
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=20).contains(&wait), "{wait}");
    let reset: u64 = answer.header("ratelimit-reset").parse().unwrap();
    assert!((40..=60).contains(&reset), "{reset}");
    // Forged addresses open no new budget, and health has none.
    let forged = world
        .http
        .get(world.url("/api/v1/things"))
        .header("x-forwarded-for", "9.9.9.9");
    assert_eq!(Answer::of(forged).await.status, 429);
    assert_eq!(world.get("/health/live").await.status, 200);
}

#[tokio::test]
async fn users_have_budgets_of_their_own() {
    let world = world_with(|config| config.limits.user_per_minute = 2).await;
    let (one, other) = (world.token("student"), world.token("student"));
    let statuses = async |token: &str, path: &str| {
        let mut statuses = Vec::new();
        for _ in 0..3 {
            statuses.push(world.get_as(token, path).await.status);
        }
        statuses
    };
    assert_eq!(statuses(&one, "/api/v1/whoami").await, [200, 200, 429]);
    assert_eq!(statuses(&other, "/api/v1/whoami").await, [200, 200, 429]);
    // Its own limit, and not the general one, counts for an rpc that has one.
    assert_eq!(statuses(&one, "/api/v1/rare").await, [200, 200, 429]);
    // Who may not call spends nothing.
    let third = world.token("student");
    for _ in 0..5 {
        let create = world
            .http
            .post(world.url("/api/v1/things"))
            .bearer_auth(&third)
            .json(&json!({"name": "x"}));
        assert_eq!(Answer::of(create).await.status, 403);
    }
    assert_eq!(statuses(&third, "/api/v1/whoami").await, [200, 200, 429]);
}

#[tokio::test]
async fn only_failures_count_where_the_contract_says_so() {
    let world = world().await;
    let guess = async |name: &str, word: &str| {
        world
            .post("/api/v1/guess", &json!({"name": name, "word": word}))
            .await
            .status
    };
    for _ in 0..10 {
        assert_eq!(guess("asha", "open").await, 200);
        // Neither our own trouble nor a malformed request is a guess.
        assert_eq!(guess("asha", "broken").await, 503);
        assert_eq!(guess("asha", "").await, 400);
    }
    for name in ["asha", "Asha", " ASHA"] {
        assert_eq!(guess(name, "wrong").await, 401);
    }
    assert_eq!(guess("asha", "wrong").await, 429);
    assert_eq!(guess("asha", "open").await, 429);
    assert_eq!(guess("ravi", "wrong").await, 401);
}

#[tokio::test]
async fn an_installation_gives_an_rpc_limits_of_its_own() {
    let stricter = (
        "hostelpulse.trial.v1.Trial.Guess".to_owned(),
        vec!["2/minute/ip".to_owned()],
    );
    let world = world_with(|config| config.limits.of = [stricter].into()).await;
    let guess = async |name: &str| {
        let body = json!({"name": name, "word": "open"});
        world.post("/api/v1/guess", &body).await.status
    };
    assert_eq!(
        (guess("asha").await, guess("ravi").await, guess("mira").await),
        (200, 200, 429)
    );
}

#[tokio::test]
async fn many_guesses_at_once_are_still_few() {
    let world = world().await;
    let guesses = (0..40).map(|_| async {
        world
            .post("/api/v1/guess", &json!({"name": "a", "word": "wrong"}))
            .await
            .status
    });
    let answers = futures_util::future::join_all(guesses).await;
    assert_eq!(
        answers.iter().filter(|status| **status == 401).count(),
        3,
        "{answers:?}"
    );
}

/// The statuses of guesses that are all under way at the same time, each under a name of its own.
async fn at_once(world: &World, count: u64, text: &str) -> Vec<u16> {
    let begun = world.seen.guesses.load(Ordering::SeqCst);
    world.seen.hold_guesses.store(true, Ordering::SeqCst);
    let guesses = (0..count).map(|number| async move {
        let name = format!("{text} {number}");
        let guess = json!({"name": name, "word": text});
        world.post("/api/v1/guess", &guess).await.status
    });
    let release = async {
        let all = || world.seen.guesses.load(Ordering::SeqCst) == begun + count;
        until("all guesses under way", all).await;
        world.seen.hold_guesses.store(false, Ordering::SeqCst);
    };
    futures_util::future::join(futures_util::future::join_all(guesses), release)
        .await
        .0
}

#[tokio::test]
async fn a_campus_signs_in_at_once_behind_one_address() {
    let world = world().await;
    assert_eq!(at_once(&world, 150, "open").await, [200; 150]);
    // Nothing was charged for them, and nothing put back that was never taken.
    let guess = async |name: String, word: &str| {
        let guess = json!({"name": name, "word": word});
        world.post("/api/v1/guess", &guess).await
    };
    for number in 0..100_u32 {
        let answer = guess(format!("guessed {number}"), "wrong").await;
        assert_eq!(answer.status, 401, "{number}");
        if number > 96 {
            assert_eq!(answer.header("ratelimit-remaining"), (99 - number).to_string());
        }
    }
    let answer = guess("asha".to_owned(), "open").await;
    assert_eq!((answer.status, answer.code().as_str()), (429, "RATE_LIMITED"));
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=36).contains(&wait), "{wait}");
}

#[tokio::test]
async fn failures_of_an_address_overrun_by_no_more_than_is_under_way() {
    let world = world().await;
    assert_eq!(at_once(&world, 120, "wrong").await, [401; 120]);
    let guess = json!({"name": "asha", "word": "open"});
    assert_eq!(world.post("/api/v1/guess", &guess).await.status, 429);
}

#[tokio::test]
async fn limits_can_be_switched_off_for_load_tests() {
    let world = world_with(|config| {
        config.limits.enabled = false;
        config.limits.anonymous_per_minute = 1;
    })
    .await;
    for _ in 0..5 {
        let answer = world.get("/api/v1/things").await;
        assert_eq!((answer.status, answer.header("ratelimit-limit")), (200, ""));
    }
}
