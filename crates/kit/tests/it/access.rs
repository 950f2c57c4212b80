//! Who may come in: tokens, ended sessions, API keys, while auth is there and while it is away.

mod api_keys;
mod ended;
mod forged;
mod keys;
mod layer;

use std::time::{Duration, Instant};

use chrono::DateTime;
use kit::{
    Clock,
    access::{Secrets, ServiceSecret, ServiceTokens, Verifier},
    fault::Kind,
    testing::Keys,
    upstream::{Place, Upstreams},
};
use proto::{auth::tokens_client::TokensClient, options::Role};
use tokio_util::sync::{CancellationToken, DropGuard};

fn clock() -> Clock {
    Clock::mock(DateTime::from_timestamp(1_795_000_000, 0).unwrap())
}

/// A verifier with an auth service behind it.
struct Door {
    clock: Clock,
    keys: Keys,
    secret: ServiceSecret,
    verifier: Verifier,
    upstreams: Upstreams,
}

impl Door {
    /// Its verifier was told nothing yet.
    fn new() -> Self {
        let secret = ServiceSecret::random();
        Self::with(secret.clone().into(), secret)
    }

    fn with(secrets: Secrets, secret: ServiceSecret) -> Self {
        let (door, place) = Self::before_auth(secrets, secret);
        door.keys.serve(place);
        door
    }

    /// Nobody listens where auth is expected.
    fn before_auth(secrets: Secrets, secret: ServiceSecret) -> (Self, Place) {
        let clock = clock();
        let mut builder = Upstreams::builder();
        let place = builder.local("auth");
        let upstreams = builder.build();
        let source = TokensClient::new(upstreams.channel("auth").unwrap());
        let door = Self {
            keys: Keys::new(clock.clone()),
            verifier: Verifier::new(source, secrets, clock.clone()),
            clock,
            secret,
            upstreams,
        };
        (door, place)
    }

    /// The verifier hears of ended sessions until the guard is dropped.
    fn follow(&self) -> DropGuard {
        let stop = CancellationToken::new();
        let streams = TokensClient::new(self.upstreams.channel_for_streams("auth").unwrap());
        let (verifier, stopped) = (self.verifier.clone(), stop.clone());
        tokio::spawn(async move { verifier.follow(streams, stopped).await });
        stop.drop_guard()
    }

    async fn verdict(&self, token: &str) -> Result<(), Kind> {
        self.verifier
            .verify_user(token)
            .await
            .map(drop)
            .map_err(|fault| fault.kind)
    }

    /// Waits until a token is refused; how long that took.
    async fn refused(&self, token: &str) -> Duration {
        let begun = Instant::now();
        while self.verdict(token).await != Err(Kind::Unauthenticated) {
            assert!(begun.elapsed() < Duration::from_secs(20), "it is never refused");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        begun.elapsed()
    }
}

#[tokio::test]
async fn auth_that_never_answers_costs_one_wait_and_is_no_refusal() {
    let secret = ServiceSecret::random();
    let (door, _nobody_listens) = Door::before_auth(secret.clone().into(), secret);
    let _following = door.follow();
    let token = door.keys.token(Role::Student);
    let begun = Instant::now();
    let tries = (0..50).map(|_| door.verdict(&token));
    for outcome in futures_util::future::join_all(tries).await {
        assert_eq!(outcome, Err(Kind::Unavailable));
    }
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn known_keys_outlive_an_outage_and_unknown_ones_are_asked_for_again() {
    let door = Door::new();
    let _following = door.follow();
    assert_eq!(door.verdict(&door.keys.token(Role::Guard)).await, Ok(()));
    let elsewhere = Keys::new(door.clock.clone());
    let forged = elsewhere.token(Role::Admin);
    assert_eq!(door.verdict(&forged).await, Err(Kind::Unauthenticated));
    door.clock.advance(chrono::Duration::seconds(30));
    door.keys.set_away(true);
    assert_eq!(door.verdict(&door.keys.token(Role::Guard)).await, Ok(()));
}

#[tokio::test]
async fn a_services_token_is_none_from_outside_and_ends() {
    let door = Door::new();
    let tokens = ServiceTokens::new("gateway", door.secret.clone(), door.clock.clone());
    let token = tokens.token().unwrap();
    // Services know each other also before auth has told of anything.
    assert!(door.verifier.verify(&token).await.is_ok());
    assert_eq!(door.verdict(&token).await, Err(Kind::Unauthenticated));
    let stranger = ServiceTokens::new("gateway", ServiceSecret::random(), door.clock.clone());
    let refused = door.verifier.verify(&stranger.token().unwrap()).await;
    assert_eq!(refused.unwrap_err().kind, Kind::Unauthenticated);
    door.clock.advance(chrono::Duration::seconds(200));
    let refused = door.verifier.verify(&token).await;
    assert_eq!(refused.unwrap_err().kind, Kind::Unauthenticated);
}
