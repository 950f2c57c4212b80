//! Going on with a session, and what happens to copies of its tokens.

use std::collections::HashSet;

use chrono::Duration;
use futures_util::future::join_all;
use kit::testing::World;
use proto::options::Role;
use tonic::Code;

use crate::{
    hostel::{ADMIN, Hostel, code, config},
    people::{DESK, PHONE, told},
};

#[tokio::test]
async fn a_session_goes_on_with_fresh_tokens() {
    let hostel = Hostel::open().await;
    let first = hostel.sign_in(ADMIN).await;
    hostel.world.clock.advance(Duration::minutes(20));
    assert_eq!(code(hostel.me(first.access_token()).await).0, Code::Unauthenticated);
    let second = hostel.refresh(first.refresh_token()).await.unwrap();
    assert_ne!(second.refresh_token(), first.refresh_token());
    assert_eq!((second.token_type(), second.expires_in()), ("Bearer", 900));
    assert_eq!(second.user, first.user);
    assert!(hostel.me(second.access_token()).await.is_ok());
    let third = hostel.refresh(second.refresh_token()).await.unwrap();
    assert!(hostel.me(third.access_token()).await.is_ok());
    assert_eq!(hostel.count("session").await, 1);
}

#[tokio::test]
async fn fifty_at_once_get_the_same_successor() {
    let hostel = Hostel::open().await;
    let token = hostel.sign_in(ADMIN).await.refresh_token().to_owned();
    let answers = join_all((0..50).map(|_| hostel.refresh(&token))).await;
    let successors: HashSet<_> = answers
        .into_iter()
        .map(|answer| answer.unwrap().refresh_token().to_owned())
        .collect();
    assert_eq!(successors.len(), 1, "{successors:?}");
    assert_eq!(hostel.count("refresh_token").await, 2);
    let successor = successors.into_iter().next().unwrap();
    assert!(hostel.refresh(&successor).await.is_ok());
}

#[tokio::test]
async fn a_lost_answer_is_given_again_and_a_late_one_ends_the_session_once() {
    let hostel = Hostel::open().await;
    let first = hostel.sign_in(ADMIN).await;
    let second = hostel.refresh(first.refresh_token()).await.unwrap();
    hostel.world.clock.advance(Duration::seconds(10));
    let again = hostel.refresh(first.refresh_token()).await.unwrap();
    assert_eq!(again.refresh_token(), second.refresh_token());
    assert!(hostel.me(again.access_token()).await.is_ok());

    hostel.world.clock.advance(Duration::seconds(1));
    let late = join_all((0..10).map(|_| hostel.refresh(first.refresh_token()))).await;
    for refused in late {
        assert_eq!(code(refused), (Code::Unauthenticated, "TOKEN_REUSED".to_owned()));
    }
    assert_eq!(
        code(hostel.refresh(second.refresh_token()).await),
        (Code::Unauthenticated, "UNAUTHENTICATED".to_owned())
    );
    assert_eq!(code(hostel.me(again.access_token()).await).0, Code::Unauthenticated);

    let reused = hostel.events("user.token_reused").await;
    assert_eq!(reused.len(), 1, "{reused:?}");
    let ended = hostel.events("user.sessions_ended").await;
    assert_eq!(ended[0]["data"]["why"], "token_reused");
    assert_eq!(ended[0]["data"]["session_ids"][0], reused[0]["data"]["session_id"]);
    assert_eq!(reused[0]["subject"], first.user.unwrap().id);
}

#[tokio::test]
async fn a_token_that_was_overtaken_is_a_copy_however_young() {
    let hostel = Hostel::open().await;
    let mut tokens = vec![hostel.sign_in(ADMIN).await.refresh_token().to_owned()];
    for _ in 0..3 {
        let next = hostel.refresh(tokens.last().unwrap()).await.unwrap();
        tokens.push(next.refresh_token().to_owned());
    }
    assert_eq!(code(hostel.refresh(&tokens[0]).await).1, "TOKEN_REUSED");
    assert_eq!(code(hostel.refresh(&tokens[3]).await).1, "UNAUTHENTICATED");
    assert_eq!(hostel.events("user.token_reused").await.len(), 1);
}

#[tokio::test]
async fn other_sessions_outlive_a_copied_token() {
    let hostel = Hostel::open().await;
    let (copied, other) = (hostel.sign_in(ADMIN).await, hostel.sign_in(ADMIN).await);
    hostel.refresh(copied.refresh_token()).await.unwrap();
    hostel.world.clock.advance(Duration::seconds(11));
    assert_eq!(code(hostel.refresh(copied.refresh_token()).await).1, "TOKEN_REUSED");
    assert!(hostel.me(other.access_token()).await.is_ok());
    assert!(hostel.refresh(other.refresh_token()).await.is_ok());
}

#[tokio::test]
async fn what_is_no_refresh_token_is_refused_alike() {
    let hostel = Hostel::open().await;
    let signed_in = hostel.sign_in(ADMIN).await;
    let mut answers = Vec::new();
    let never_made = "A".repeat(43);
    for token in [
        "x",
        "' OR 1=1 --",
        "\0",
        "ключ",
        never_made.as_str(),
        signed_in.access_token(),
    ] {
        answers.push(hostel.refresh(token).await.unwrap_err());
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(
        (answers[0].kind.grpc(), &*answers[0].reason),
        (Code::Unauthenticated, "UNAUTHENTICATED")
    );
    for token in [String::new(), "x".repeat(1025)] {
        assert_eq!(code(hostel.refresh(&token).await).0, Code::InvalidArgument);
    }
}

#[tokio::test]
async fn a_session_ends_after_thirty_days_however_often_it_is_renewed() {
    let hostel = Hostel::open().await;
    let mut token = hostel.sign_in(ADMIN).await.refresh_token().to_owned();
    for _ in 0..5 {
        hostel.world.clock.advance(Duration::days(5));
        token = hostel.refresh(&token).await.unwrap().refresh_token().to_owned();
    }
    hostel.world.clock.advance(Duration::days(5));
    assert_eq!(code(hostel.refresh(&token).await).1, "UNAUTHENTICATED");
}

#[tokio::test]
async fn an_idle_session_ends_where_that_is_wanted() {
    let config = auth::Config {
        session_idle_days: Some(7),
        ..config()
    };
    let hostel = Hostel {
        world: World::start_with::<auth::Auth>(config).await,
    };
    let token = hostel.sign_in(ADMIN).await.refresh_token().to_owned();
    hostel.world.clock.advance(Duration::days(6));
    let token = hostel.refresh(&token).await.unwrap().refresh_token().to_owned();
    hostel.world.clock.advance(Duration::days(7));
    assert_eq!(code(hostel.refresh(&token).await).1, "UNAUTHENTICATED");
    let fresh = hostel.login(ADMIN).await;
    assert_eq!(hostel.sessions(&fresh).await.len(), 1, "the idle one is not listed");
}

#[tokio::test]
async fn a_deactivated_user_goes_on_with_nothing() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let guard = hostel.create(&admin, "guard@hostel.example", Role::Guard).await;
    let first = hostel.sign_in("guard@hostel.example").await;
    let second = hostel.refresh(first.refresh_token()).await.unwrap();
    hostel.deactivate(&admin, &guard.id).await.unwrap();
    for token in [first.refresh_token(), second.refresh_token()] {
        assert_eq!(
            code(hostel.refresh(token).await),
            (Code::Unauthenticated, "UNAUTHENTICATED".to_owned())
        );
    }
}

#[tokio::test]
async fn a_session_moves_with_its_device() {
    let hostel = Hostel::open().await;
    let signed_in = hostel.try_login_on(DESK, ADMIN, crate::hostel::PASSWORD).await.unwrap();
    hostel.world.clock.advance(Duration::minutes(5));
    let refresh_token = signed_in.refresh_token().to_owned();
    let request = proto::auth::RefreshRequest { refresh_token };
    let request = hostel.from(PHONE, tonic::Request::new(request));
    let renewed = told(hostel.auth().refresh(request).await).unwrap();
    let listed = hostel.sessions(renewed.access_token()).await.remove(0);
    assert_eq!((listed.ip(), listed.device.as_str()), (PHONE.1, "an app (okhttp)"));
    let (created, used) = (listed.created_at.unwrap(), listed.last_used_at.unwrap());
    assert_eq!(used.seconds - created.seconds, 300);
}

#[tokio::test]
async fn renewed_and_ended_at_the_same_moment_it_never_lives_on() {
    let hostel = Hostel::open().await;
    for _ in 0..40 {
        let signed_in = hostel.sign_in(ADMIN).await;
        let (renewed, ended) = tokio::join!(
            hostel.refresh(signed_in.refresh_token()),
            hostel.logout(signed_in.access_token(), None),
        );
        ended.unwrap();
        if let Ok(renewed) = renewed {
            assert_eq!(code(hostel.me(renewed.access_token()).await).0, Code::Unauthenticated);
            assert_eq!(code(hostel.refresh(renewed.refresh_token()).await).1, "UNAUTHENTICATED");
        }
        assert_eq!(
            code(hostel.refresh(signed_in.refresh_token()).await).1,
            "UNAUTHENTICATED"
        );
    }
}
