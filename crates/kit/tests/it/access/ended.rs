//! Sessions end everywhere within a second, whatever happens to the stream that tells of it.

use std::time::Duration;

use kit::fault::Kind;
use proto::options::Role;
use tokio::time::Instant;
use uuid::Uuid;

use super::Door;

const AT_ONCE: Duration = Duration::from_secs(1);

/// A good token, and its session.
fn token(door: &Door) -> (String, Uuid) {
    let claims = door.keys.claims(door.clock.new_id(), Role::Student);
    (door.keys.sign(&claims), claims.sid)
}

#[tokio::test]
async fn a_session_that_ended_is_refused_within_a_second() {
    let door = Door::new();
    let _following = door.follow();
    let (remembered, session) = token(&door);
    let (never_seen, other) = token(&door);
    let (still_good, _) = token(&door);
    assert_eq!(door.verdict(&remembered).await, Ok(()));
    door.keys.end(session);
    door.keys.end(other);
    assert!(door.refused(&remembered).await < AT_ONCE);
    assert!(door.refused(&never_seen).await < AT_ONCE);
    assert_eq!(door.verdict(&still_good).await, Ok(()));
}

#[tokio::test]
async fn what_ended_before_is_known_from_the_first_report() {
    let door = Door::new();
    let (token, session) = token(&door);
    door.keys.end(session);
    let _following = door.follow();
    assert_eq!(door.verdict(&token).await, Err(Kind::Unauthenticated));
}

#[tokio::test]
async fn what_ended_while_nobody_listened_is_told_afterwards() {
    let door = Door::new();
    let _following = door.follow();
    let ((good, _), (ended, session), (later, last)) = (token(&door), token(&door), token(&door));
    door.keys.end(session);
    door.refused(&ended).await;
    assert_eq!(door.verdict(&later).await, Ok(()));
    door.keys.set_away(true);
    door.keys.end(last);
    // What is known goes on to hold, in both ways.
    for _ in 0..5 {
        assert_eq!(door.verdict(&good).await, Ok(()));
        assert_eq!(door.verdict(&ended).await, Err(Kind::Unauthenticated));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    door.keys.set_away(false);
    // It tries again within a second, and is told at once.
    let took = door.refused(&later).await;
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert_eq!(door.verdict(&ended).await, Err(Kind::Unauthenticated));
    assert_eq!(door.verdict(&good).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn before_the_first_report_nobody_is_let_in_and_nobody_refused() {
    let door = Door::new();
    let (token, _) = token(&door);
    let begun = Instant::now();
    assert_eq!(door.verdict(&token).await, Err(Kind::Unavailable));
    let waited = begun.elapsed();
    assert!((3..4).contains(&waited.as_secs()), "{waited:?}");
    // What is forged needs no report.
    assert_eq!(door.verdict("a.b.c").await, Err(Kind::Unauthenticated));
    let waiting = door.verdict(&token);
    let late = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        door.follow()
    };
    let (verdict, _following) = tokio::join!(waiting, late);
    assert_eq!(verdict, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn auth_that_falls_silent_is_connected_to_anew() {
    let door = Door::new();
    let _following = door.follow();
    let (good, _) = token(&door);
    assert_eq!(door.verdict(&good).await, Ok(()));
    assert_eq!(door.keys.watchers(), 1);
    door.keys.set_silent(true);
    let begun = Instant::now();
    while door.keys.watchers() < 2 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(begun.elapsed() < Duration::from_secs(8));
    }
    assert!(begun.elapsed() > Duration::from_secs(4), "{:?}", begun.elapsed());
    assert_eq!(door.verdict(&good).await, Ok(()));
    // Signs of life alone keep a stream for as long as they come.
    door.keys.set_silent(false);
    let streams = door.keys.watchers();
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert_eq!(door.keys.watchers(), streams);
}

#[tokio::test]
async fn an_end_is_remembered_for_longer_than_any_token_lives() {
    let door = Door::new();
    let _following = door.follow();
    let ended = door.keys.claims(door.clock.new_id(), Role::Student).sid;
    // Auth makes no token for a session that ended; only such a one shows for how long the end is remembered.
    let token_of_ended = || {
        let mut claims = door.keys.claims(door.clock.new_id(), Role::Student);
        claims.sid = ended;
        door.keys.sign(&claims)
    };
    assert_eq!(door.verdict(&token_of_ended()).await, Ok(()));
    door.keys.end(ended);
    door.refused(&token_of_ended()).await;
    door.clock.advance(chrono::Duration::minutes(64));
    // Something that is told now, so that what is old is looked at.
    let (other, session) = self::token(&door);
    door.keys.end(session);
    door.refused(&other).await;
    assert_eq!(door.verdict(&token_of_ended()).await, Err(Kind::Unauthenticated));
    // That it is let in again shows that memory does not grow for ever.
    door.clock.advance(chrono::Duration::minutes(2));
    let token = token_of_ended();
    let begun = Instant::now();
    while door.verdict(&token).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it is never forgotten");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
