//! The keys of auth: new ones are found, withdrawn ones refused, and none is forgotten because auth is away.

use std::time::{Duration, Instant};

use kit::fault::Kind;
use proto::options::Role;

use super::Door;

fn seconds(seconds: i64) -> chrono::Duration {
    chrono::Duration::seconds(seconds)
}

#[tokio::test]
async fn a_withdrawn_key_is_refused_within_a_minute() {
    let door = Door::new();
    let _following = door.follow();
    let remembered = door.keys.token(Role::Guard);
    assert_eq!(door.verdict(&remembered).await, Ok(()));
    let rotated = door.keys.rotated();
    door.keys.retire();
    door.clock.advance(seconds(61));
    // Nobody showed the new key's id yet.
    assert_eq!(
        door.verdict(&door.keys.token(Role::Admin)).await,
        Err(Kind::Unauthenticated)
    );
    assert_eq!(door.verdict(&rotated.token(Role::Guard)).await, Ok(()));
    // What it had opened ends by itself.
    assert_eq!(door.verdict(&remembered).await, Ok(()));
    door.clock.advance(seconds(15 * 60));
    assert_eq!(door.verdict(&remembered).await, Err(Kind::Unauthenticated));
}

#[tokio::test]
async fn a_new_key_is_found_at_once_and_the_old_one_holds_beside_it() {
    let door = Door::new();
    let _following = door.follow();
    assert_eq!(door.verdict(&door.keys.token(Role::Guard)).await, Ok(()));
    let rotated = door.keys.rotated();
    door.clock.advance(seconds(1));
    assert_eq!(door.verdict(&rotated.token(Role::Guard)).await, Ok(()));
    assert_eq!(door.verdict(&door.keys.token(Role::Guard)).await, Ok(()));
    assert_eq!(door.keys.reads(), 2);
}

#[tokio::test]
async fn old_keys_are_asked_for_once_however_many_need_them() {
    let door = Door::new();
    let _following = door.follow();
    let first = door.keys.token(Role::Guard);
    assert_eq!(door.verdict(&first).await, Ok(()));
    for minute in 1..4 {
        door.clock.advance(seconds(60));
        let tokens: Vec<_> = (0..50).map(|_| door.keys.token(Role::Guard)).collect();
        let verdicts = tokens.iter().map(|token| door.verdict(token));
        for verdict in futures_util::future::join_all(verdicts).await {
            assert_eq!(verdict, Ok(()));
        }
        assert_eq!(door.keys.reads(), 1 + minute);
    }
}

#[tokio::test]
async fn old_keys_hold_while_auth_is_away_and_not_a_moment_longer() {
    let door = Door::new();
    let _following = door.follow();
    assert_eq!(door.verdict(&door.keys.token(Role::Guard)).await, Ok(()));
    door.keys.set_away(true);
    let rotated = door.keys.rotated();
    door.keys.retire();
    door.clock.advance(seconds(3600));
    let begun = Instant::now();
    for _ in 0..20 {
        assert_eq!(door.verdict(&door.keys.token(Role::Guard)).await, Ok(()));
    }
    // It was asked once, and not by everybody who came.
    assert_eq!(door.keys.reads(), 2);
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    assert_eq!(door.verdict(&rotated.token(Role::Guard)).await, Err(Kind::Unavailable));
    door.keys.set_away(false);
    door.clock.advance(seconds(10));
    assert_eq!(
        door.verdict(&door.keys.token(Role::Guard)).await,
        Err(Kind::Unauthenticated)
    );
    assert_eq!(door.verdict(&rotated.token(Role::Guard)).await, Ok(()));
}

#[tokio::test]
async fn no_token_holds_longer_than_an_hour() {
    let door = Door::new();
    let _following = door.follow();
    let mut claims = door.keys.claims(door.clock.new_id(), Role::Guard);
    for (life, verdict) in [
        (3600, Ok(())),
        (3630, Ok(())),
        (3631, Err(Kind::Unauthenticated)),
        (86_400, Err(Kind::Unauthenticated)),
    ] {
        claims.exp = claims.iat + life;
        assert_eq!(door.verdict(&door.keys.sign(&claims)).await, verdict, "{life}");
    }
}
