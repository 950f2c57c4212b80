//! Where people are signed in, and how they leave.

use std::time::{Duration as StdDuration, Instant};

use chrono::Duration;
use proto::options::Role;
use tonic::Code;

use crate::{
    hostel::{ADMIN, Hostel, PASSWORD, code},
    people::{DESK, PHONE},
};

#[tokio::test]
async fn sessions_are_listed_the_last_used_first() {
    let hostel = Hostel::open().await;
    let desk = hostel.try_login_on(DESK, ADMIN, PASSWORD).await.unwrap();
    hostel.world.clock.advance(Duration::seconds(1));
    let phone = hostel.try_login_on(PHONE, ADMIN, PASSWORD).await.unwrap();
    let seen = hostel.sessions(desk.access_token()).await;
    let devices: Vec<_> = seen
        .iter()
        .map(|one| (one.device.as_str(), one.ip(), one.is_current))
        .collect();
    assert_eq!(
        devices,
        [("an app (okhttp)", PHONE.1, false), ("Firefox on Linux", DESK.1, true)]
    );
    let life = seen[0].expires_at.unwrap().seconds - seen[0].created_at.unwrap().seconds;
    assert_eq!(life, 30 * 24 * 3600);
    // What has ended by itself is not listed.
    hostel.world.clock.advance(Duration::days(30) - Duration::seconds(1));
    let fresh = hostel.refresh(phone.refresh_token()).await.unwrap();
    let left = hostel.sessions(fresh.access_token()).await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].device, "unknown device");
}

#[tokio::test]
async fn signing_out_ends_the_session_and_all_its_tokens() {
    let hostel = Hostel::open().await;
    let first = hostel.sign_in(ADMIN).await;
    let second = hostel.refresh(first.refresh_token()).await.unwrap();
    let other = hostel.sign_in(ADMIN).await;
    hostel
        .logout(first.access_token(), Some(second.refresh_token()))
        .await
        .unwrap();
    for token in [first.access_token(), second.access_token()] {
        assert_eq!(code(hostel.me(token).await).0, Code::Unauthenticated);
    }
    for token in [first.refresh_token(), second.refresh_token()] {
        assert_eq!(code(hostel.refresh(token).await).1, "UNAUTHENTICATED");
    }
    assert!(hostel.me(other.access_token()).await.is_ok());
    assert_eq!(
        code(hostel.logout(first.access_token(), None).await).0,
        Code::Unauthenticated
    );
    let ended = hostel.events("user.sessions_ended").await;
    assert_eq!((ended.len(), &ended[0]["data"]["why"]), (1, &"signed_out".into()));
}

#[tokio::test]
async fn signing_out_takes_another_session_of_the_same_user_along_and_nobody_elses() {
    let hostel = Hostel::open().await;
    let admin = hostel.sign_in(ADMIN).await;
    hostel
        .create(admin.access_token(), "guard@hostel.example", Role::Guard)
        .await;
    let guard = hostel.sign_in("guard@hostel.example").await;
    let (one, two, three) = (
        hostel.sign_in(ADMIN).await,
        hostel.sign_in(ADMIN).await,
        hostel.sign_in(ADMIN).await,
    );
    hostel
        .logout(one.access_token(), Some(two.refresh_token()))
        .await
        .unwrap();
    assert_eq!(code(hostel.me(two.access_token()).await).0, Code::Unauthenticated);
    for foreign in [guard.refresh_token(), "nobody's", ""] {
        let signed_in = hostel.sign_in(ADMIN).await;
        hostel.logout(signed_in.access_token(), Some(foreign)).await.unwrap();
        assert_eq!(code(hostel.me(signed_in.access_token()).await).0, Code::Unauthenticated);
    }
    assert!(hostel.me(guard.access_token()).await.is_ok());
    assert!(hostel.me(three.access_token()).await.is_ok());
}

#[tokio::test]
async fn one_session_is_ended_by_its_owner_only() {
    let hostel = Hostel::open().await;
    let admin = hostel.sign_in(ADMIN).await;
    hostel
        .create(admin.access_token(), "guard@hostel.example", Role::Guard)
        .await;
    let guard = hostel.sign_in("guard@hostel.example").await;
    let other = hostel.sign_in("guard@hostel.example").await;
    let sessions = hostel.sessions(guard.access_token()).await;
    let foreign = sessions.iter().find(|one| !one.is_current).unwrap().id.clone();
    let own = sessions.iter().find(|one| one.is_current).unwrap().id.clone();

    for id in [foreign.as_str(), "0192f3a4-0000-7000-8000-000000000000"] {
        assert_eq!(
            code(hostel.end_session(admin.access_token(), id).await).0,
            Code::NotFound
        );
    }
    let odd = hostel.end_session(admin.access_token(), "1 OR 1=1").await;
    assert_eq!(code(odd).0, Code::InvalidArgument);
    assert!(hostel.me(other.access_token()).await.is_ok());

    hostel.end_session(guard.access_token(), &foreign).await.unwrap();
    assert_eq!(code(hostel.me(other.access_token()).await).0, Code::Unauthenticated);
    assert_eq!(
        code(hostel.end_session(guard.access_token(), &foreign).await).0,
        Code::NotFound
    );
    hostel.end_session(guard.access_token(), &own).await.unwrap();
    assert_eq!(code(hostel.me(guard.access_token()).await).0, Code::Unauthenticated);
    let why: Vec<_> = hostel
        .events("user.sessions_ended")
        .await
        .into_iter()
        .map(|event| event["data"]["why"].clone())
        .collect();
    assert_eq!(why, ["ended_by_user", "ended_by_user"]);
}

#[tokio::test]
async fn all_other_sessions_are_ended_at_once() {
    let hostel = Hostel::open().await;
    let here = hostel.sign_in(ADMIN).await;
    let others = [hostel.sign_in(ADMIN).await, hostel.sign_in(ADMIN).await];
    assert_eq!(hostel.end_others(here.access_token()).await.unwrap(), 2);
    for other in &others {
        assert_eq!(code(hostel.me(other.access_token()).await).0, Code::Unauthenticated);
        assert_eq!(code(hostel.refresh(other.refresh_token()).await).1, "UNAUTHENTICATED");
    }
    assert!(hostel.refresh(here.refresh_token()).await.is_ok());
    assert_eq!(hostel.end_others(here.access_token()).await.unwrap(), 0);
}

/// Who was let in a moment before the end is believed for less than a second.
async fn until_refused(hostel: &Hostel, access: &str) {
    let end = Instant::now() + StdDuration::from_secs(1);
    while hostel.me(access).await.is_ok() {
        assert!(Instant::now() < end, "an ended session is still let in");
        tokio::time::sleep(StdDuration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn ended_from_many_sides_at_the_same_moment_it_ends_once_and_nobody_waits_for_ever() {
    let hostel = Hostel::open().await;
    let admin = hostel.sign_in(ADMIN).await;
    for round in 0..5 {
        let email = format!("guard{round}@hostel.example");
        let guard = hostel.create(admin.access_token(), &email, Role::Guard).await;
        let (one, two) = (hostel.sign_in(&email).await, hostel.sign_in(&email).await);
        hostel.refresh(two.refresh_token()).await.unwrap();
        hostel.world.clock.advance(Duration::seconds(11));
        let (out, others, reused, gone) = tokio::join!(
            hostel.logout(one.access_token(), Some(two.refresh_token())),
            hostel.end_others(one.access_token()),
            hostel.refresh(two.refresh_token()),
            hostel.deactivate(admin.access_token(), &guard.id),
        );
        // Each came before or after the others; none was given up on.
        let outcomes = [out.err(), others.err(), reused.err(), gone.err()];
        for fault in outcomes.into_iter().flatten() {
            assert_eq!(fault.kind.grpc(), Code::Unauthenticated, "{fault:?}");
        }
        for session in [&one, &two] {
            until_refused(&hostel, session.access_token()).await;
        }
    }
    let ended = hostel.events("user.sessions_ended").await;
    let told: usize = ended
        .iter()
        .map(|event| event["data"]["session_ids"].as_array().unwrap().len())
        .sum();
    assert_eq!(told, 10, "{ended:?}");
}

#[tokio::test]
async fn nobody_is_signed_in_at_more_than_fifty_places() {
    let hostel = Hostel::open().await;
    let first = hostel.login(ADMIN).await;
    for _ in 0..50 {
        hostel.login(ADMIN).await;
    }
    assert_eq!(hostel.count("session WHERE ended_at IS NULL").await, 50);
    let ended = hostel.events("user.sessions_ended").await;
    assert_eq!(
        (ended.len(), &ended[0]["data"]["why"]),
        (1, &serde_json::json!("too_many"))
    );
    let end = Instant::now() + StdDuration::from_secs(1);
    while hostel.me(&first).await.is_ok() {
        assert!(Instant::now() < end, "the session that gave way goes on");
    }
}
