//! Verifying tokens while auth is away.

use std::time::{Duration, Instant};

use chrono::DateTime;
use kit::{
    Clock,
    access::{ServiceSecret, ServiceTokens, Verifier},
    fault::Kind,
    testing::Keys,
    upstream::Upstreams,
};
use proto::{auth::auth_client::AuthClient, options::Role};

fn clock() -> Clock {
    Clock::mock(DateTime::from_timestamp(1_795_000_000, 0).unwrap())
}

#[tokio::test]
async fn auth_that_never_answers_costs_one_wait_and_is_no_refusal() {
    let clock = clock();
    let mut builder = Upstreams::builder();
    let _nobody_listens = builder.local("auth");
    let source = AuthClient::new(builder.build().channel("auth").unwrap());
    let verifier = Verifier::new(source, ServiceSecret::random(), clock.clone());
    let token = Keys::new(clock).token(Role::Student);
    let begun = Instant::now();
    let tries = (0..50).map(|_| verifier.verify_user(&token));
    for outcome in futures_util::future::join_all(tries).await {
        assert_eq!(outcome.unwrap_err().kind, Kind::Unavailable);
    }
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn known_keys_outlive_an_outage_and_unknown_ones_are_asked_for_again() {
    let clock = clock();
    let keys = Keys::new(clock.clone());
    let mut builder = Upstreams::builder();
    keys.serve(builder.local("auth"));
    let source = AuthClient::new(builder.build().channel("auth").unwrap());
    let verifier = Verifier::new(source, ServiceSecret::random(), clock.clone());
    assert!(verifier.verify_user(&keys.token(Role::Guard)).await.is_ok());
    let elsewhere = Keys::new(clock.clone());
    let forged = verifier.verify_user(&elsewhere.token(Role::Admin)).await;
    assert_eq!(forged.unwrap_err().kind, Kind::Unauthenticated);
    clock.advance(chrono::Duration::seconds(30));
    assert!(verifier.verify_user(&keys.token(Role::Guard)).await.is_ok());
}

#[tokio::test]
async fn a_services_token_is_none_from_outside_and_ends() {
    let clock = clock();
    let mut builder = Upstreams::builder();
    let _nobody_listens = builder.local("auth");
    let source = AuthClient::new(builder.build().channel("auth").unwrap());
    let secret = ServiceSecret::random();
    let verifier = Verifier::new(source, secret.clone(), clock.clone());
    let token = ServiceTokens::new("gateway", secret, clock.clone()).token().unwrap();
    assert!(verifier.verify(&token).await.is_ok());
    assert_eq!(
        verifier.verify_user(&token).await.unwrap_err().kind,
        Kind::Unauthenticated
    );
    let stranger = ServiceTokens::new("gateway", ServiceSecret::random(), clock.clone())
        .token()
        .unwrap();
    assert_eq!(
        verifier.verify(&stranger).await.unwrap_err().kind,
        Kind::Unauthenticated
    );
    clock.advance(chrono::Duration::seconds(200));
    assert_eq!(verifier.verify(&token).await.unwrap_err().kind, Kind::Unauthenticated);
}
