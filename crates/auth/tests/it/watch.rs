//! Who verifies tokens is told which sessions ended.

use std::{collections::HashSet, time::Duration};

use kit::service::Stage;
use proto::{auth::EndedSessions, types::Nothing};
use tonic::{Code, Request, Streaming};

use crate::{
    hostel::{ADMIN, Hostel},
    people::told,
};

/// Nothing here takes longer, also on a slow machine.
const PATIENCE: Duration = Duration::from_secs(20);

async fn watch(hostel: &Hostel) -> Streaming<EndedSessions> {
    let token = hostel.world.host.tokens("gateway").token().unwrap();
    let request = hostel.world.request(&token, Nothing {});
    told(hostel.tokens().watch_ended(request).await).unwrap()
}

async fn next(stream: &mut Streaming<EndedSessions>) -> Option<Vec<String>> {
    let message = tokio::time::timeout(PATIENCE, stream.message()).await;
    message
        .expect("a sign of life comes every second")
        .unwrap()
        .map(|ended| ended.ids)
}

async fn until_told(stream: &mut Streaming<EndedSessions>, id: &str) {
    let end = std::time::Instant::now() + PATIENCE;
    while !next(stream).await.unwrap().iter().any(|told| told == id) {
        assert!(std::time::Instant::now() < end, "{id} was never told");
    }
}

async fn session_of(hostel: &Hostel, access: &str) -> String {
    let sessions = hostel.sessions(access).await;
    sessions.into_iter().find(|one| one.is_current).unwrap().id
}

#[tokio::test]
async fn all_that_ended_lately_then_what_ends_and_signs_of_life() {
    let hostel = Hostel::open().await;
    let (long_ago, lately, later) = (
        hostel.login(ADMIN).await,
        hostel.login(ADMIN).await,
        hostel.login(ADMIN).await,
    );
    let ids = [
        session_of(&hostel, &long_ago).await,
        session_of(&hostel, &lately).await,
        session_of(&hostel, &later).await,
    ];
    hostel.logout(&long_ago, None).await.unwrap();
    hostel.logout(&lately, None).await.unwrap();
    let past = hostel.world.clock.now() - chrono::Duration::minutes(17);
    let session: uuid::Uuid = ids[0].parse().unwrap();
    let sql = "UPDATE session SET ended_at = $1 WHERE id = $2";
    assert_eq!(hostel.write(sql, [past.into(), session.into()]).await, 1);

    let mut stream = watch(&hostel).await;
    assert_eq!(next(&mut stream).await.unwrap(), [ids[1].clone()]);
    hostel.logout(&later, None).await.unwrap();
    until_told(&mut stream, &ids[2]).await;
    let mut signs = 0;
    while signs < 2 {
        signs += usize::from(next(&mut stream).await.unwrap().is_empty());
    }
    // Whoever comes later is told all of them, too.
    let all: HashSet<_> = next(&mut watch(&hostel).await).await.unwrap().into_iter().collect();
    assert_eq!(all, HashSet::from([ids[1].clone(), ids[2].clone()]));
}

#[tokio::test]
async fn what_other_processes_end_is_told_to_every_stream() {
    let hostel = Hostel::open().await;
    let access = hostel.login(ADMIN).await;
    let id = session_of(&hostel, &access).await;
    let mut streams = [watch(&hostel).await, watch(&hostel).await];
    for stream in &mut streams {
        assert!(next(stream).await.unwrap().is_empty());
    }
    let session: uuid::Uuid = id.parse().unwrap();
    // Committed late, by a clock that is behind.
    let behind = hostel.world.clock.now() - chrono::Duration::seconds(50);
    let sql = "UPDATE session SET ended_at = $1 WHERE id = $2";
    assert_eq!(hostel.write(sql, [behind.into(), session.into()]).await, 1);
    for stream in &mut streams {
        until_told(stream, &id).await;
    }
}

#[tokio::test]
async fn a_revoked_key_is_told_like_a_session() {
    let hostel = Hostel::open().await;
    let admin = hostel.sign_in(ADMIN).await;
    let owner: uuid::Uuid = admin.user.unwrap().id.parse().unwrap();
    let mut stream = watch(&hostel).await;
    assert!(next(&mut stream).await.unwrap().is_empty());
    let (key, now) = (hostel.world.clock.new_id(), hostel.world.clock.now());
    let sql = "INSERT INTO api_key (id, owner_id, name, prefix, hash, role, allowed_ips, version, created_at, expires_at, \
               revoked_at) VALUES ($1, $2, 'scanner', 'hp', 'hash', 'guard', '', 2, $3, $3, $3)";
    assert_eq!(hostel.write(sql, [key.into(), owner.into(), now.into()]).await, 1);
    until_told(&mut stream, &key.to_string()).await;
    assert_eq!(next(&mut watch(&hostel).await).await.unwrap(), [key.to_string()]);
}

#[tokio::test]
async fn the_streams_end_with_the_service() {
    let mut hostel = Hostel::open().await;
    let mut stream = watch(&hostel).await;
    next(&mut stream).await.unwrap();
    hostel.world.stop_of(Stage::Services).cancel();
    let end = std::time::Instant::now() + PATIENCE;
    while next(&mut stream).await.is_some() {
        assert!(std::time::Instant::now() < end, "the stream goes on");
    }
}

#[tokio::test]
async fn people_are_not_told() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let request = hostel.world.request(&admin, Nothing {});
    let refused = hostel.tokens().watch_ended(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let refused = hostel.tokens().watch_ended(Request::new(Nothing {})).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
}
