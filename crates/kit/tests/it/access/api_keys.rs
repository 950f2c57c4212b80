//! API keys at the door: exchanged once, refused at once.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::{Duration, Instant},
};

use kit::{access::Identity, fault::Kind};
use proto::options::Role;

use super::Door;

const HERE: Option<IpAddr> = Some(IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7)));
const ELSEWHERE: Option<IpAddr> = Some(IpAddr::V4(Ipv4Addr::new(198, 51, 100, 8)));

async fn verdict(door: &Door, key: &str, from: Option<IpAddr>) -> Result<(), Kind> {
    door.verifier
        .admit(key, from)
        .await
        .map(drop)
        .map_err(|fault| fault.kind)
}

#[tokio::test]
async fn many_requests_share_one_exchange() {
    let door = Door::new();
    let _following = door.follow();
    let (key, id) = door.keys.api_key(Role::Staff, None);
    let requests = (0..50).map(|_| door.verifier.admit(&key, HERE));
    for admitted in futures_util::future::join_all(requests).await {
        let admitted = admitted.unwrap();
        let Identity::User { role, session, .. } = admitted.verified.identity else {
            panic!("a key speaks for a user");
        };
        assert_eq!((role, session), (Role::Staff, id));
        // It is the token that goes on to the services.
        assert_eq!(door.verdict(&admitted.token).await, Ok(()));
        assert!(!format!("{admitted:?}").contains(&*admitted.token));
    }
    assert_eq!(door.keys.exchanges(), 1);
    assert_eq!(verdict(&door, &key, ELSEWHERE).await, Ok(()));
    assert_eq!(door.keys.exchanges(), 2);
}

#[tokio::test]
async fn the_token_of_a_key_is_replaced_before_it_ends() {
    let door = Door::new();
    let _following = door.follow();
    let (key, _) = door.keys.api_key(Role::Staff, None);
    let first = door.verifier.admit(&key, HERE).await.unwrap().token;
    door.clock.advance(chrono::Duration::seconds(269));
    assert_eq!(door.verifier.admit(&key, HERE).await.unwrap().token, first);
    door.clock.advance(chrono::Duration::seconds(1));
    let requests = (0..20).map(|_| door.verifier.admit(&key, HERE));
    for admitted in futures_util::future::join_all(requests).await {
        assert_ne!(admitted.unwrap().token, first);
    }
    assert_eq!(door.keys.exchanges(), 2);
}

#[tokio::test]
async fn a_key_is_bound_to_its_address() {
    let door = Door::new();
    let _following = door.follow();
    let (key, _) = door.keys.api_key(Role::Staff, Some("198.51.100.7"));
    assert_eq!(verdict(&door, &key, HERE).await, Ok(()));
    assert_eq!(verdict(&door, &key, ELSEWHERE).await, Err(Kind::Forbidden));
    assert_eq!(verdict(&door, &key, None).await, Err(Kind::Forbidden));
}

#[tokio::test]
async fn a_refusal_is_remembered_for_a_second() {
    let door = Door::new();
    let _following = door.follow();
    for _ in 0..5 {
        assert_eq!(verdict(&door, "hpk_guessed", HERE).await, Err(Kind::Unauthenticated));
    }
    assert_eq!(door.keys.exchanges(), 1);
    door.clock.advance(chrono::Duration::seconds(1));
    assert_eq!(verdict(&door, "hpk_guessed", HERE).await, Err(Kind::Unauthenticated));
    assert_eq!(door.keys.exchanges(), 2);
    let endless = format!("hpk_{}", "x".repeat(1 << 20));
    assert_eq!(verdict(&door, &endless, HERE).await, Err(Kind::Unauthenticated));
    assert_eq!(door.keys.exchanges(), 2);
}

#[tokio::test]
async fn a_revoked_key_is_refused_within_a_second() {
    let door = Door::new();
    let _following = door.follow();
    let (key, id) = door.keys.api_key(Role::Staff, None);
    let token = door.verifier.admit(&key, HERE).await.unwrap().token;
    door.keys.revoke(id);
    let begun = Instant::now();
    while verdict(&door, &key, HERE).await != Err(Kind::Unauthenticated) {
        assert!(begun.elapsed() < Duration::from_secs(1));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(door.verdict(&token).await, Err(Kind::Unauthenticated));
}

#[tokio::test]
async fn that_auth_is_away_is_no_refusal() {
    let door = Door::new();
    let _following = door.follow();
    let (known, _) = door.keys.api_key(Role::Staff, None);
    let (new, _) = door.keys.api_key(Role::Staff, None);
    assert_eq!(verdict(&door, &known, HERE).await, Ok(()));
    door.keys.set_away(true);
    assert_eq!(verdict(&door, &known, HERE).await, Ok(()));
    assert_eq!(verdict(&door, &new, HERE).await, Err(Kind::Unavailable));
    // The token that a key got stays good until it ends, as any other does.
    door.clock.advance(chrono::Duration::seconds(299));
    assert_eq!(verdict(&door, &known, HERE).await, Ok(()));
    door.clock.advance(chrono::Duration::seconds(1));
    assert_eq!(verdict(&door, &known, HERE).await, Err(Kind::Unavailable));
    door.keys.set_away(false);
    for key in [known, new] {
        assert_eq!(verdict(&door, &key, HERE).await, Ok(()));
    }
}

#[tokio::test]
async fn a_token_is_admitted_as_it_is() {
    let door = Door::new();
    let _following = door.follow();
    let token = door.keys.token(Role::Guard);
    assert_eq!(*door.verifier.admit(&token, HERE).await.unwrap().token, *token);
    assert_eq!(door.keys.exchanges(), 0);
}
