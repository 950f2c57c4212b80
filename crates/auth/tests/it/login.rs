//! Signing in.

use proto::options::Role;
use tonic::Code;

use crate::hostel::{ADMIN, Hostel, PASSWORD, code};

#[tokio::test]
async fn an_administrator_signs_in_and_is_who_they_are() {
    let hostel = Hostel::open().await;
    let answer = hostel.try_login(ADMIN, PASSWORD).await.unwrap();
    assert_eq!((answer.token_type(), answer.expires_in()), ("Bearer", 900));
    assert_eq!(answer.user.as_ref().unwrap().role(), Role::Admin);
    assert!(answer.refresh_token().len() >= 43);
    let me = hostel.me(answer.access_token()).await.unwrap();
    assert_eq!((me.email.as_str(), me.is_active), (ADMIN, true));
}

#[tokio::test]
async fn addresses_are_compared_without_regard_to_case() {
    let hostel = Hostel::open().await;
    assert!(hostel.try_login("ADMIN@Hostel.Example", PASSWORD).await.is_ok());
}

#[tokio::test]
async fn wrong_unknown_and_deactivated_are_the_same_answer() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let guard = hostel.create(&admin, "guard@hostel.example", Role::Guard).await;
    hostel.deactivate(&admin, &guard.id).await.unwrap();
    let mut answers = Vec::new();
    for (identifier, password) in [
        (ADMIN, "Wrong#2026x"),
        ("nobody@hostel.example", PASSWORD),
        ("REG-404", PASSWORD),
        ("guard@hostel.example", PASSWORD),
    ] {
        answers.push(hostel.try_login(identifier, password).await.unwrap_err());
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(answers[0].reason, "INVALID_CREDENTIALS");
    assert_eq!(answers[0].kind.grpc(), Code::Unauthenticated);
}

#[tokio::test]
async fn a_password_of_more_than_72_bytes_is_never_a_shorter_one() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let mut request = crate::hostel::somebody("long@hostel.example", Role::Staff);
    let exactly_72 = format!("A1!{}", "x".repeat(69));
    request.password = Some(exactly_72.clone());
    hostel.try_create(&admin, request).await.unwrap();
    assert!(hostel.try_login("long@hostel.example", &exactly_72).await.is_ok());
    let longer = hostel.try_login("long@hostel.example", &format!("{exactly_72}y")).await;
    assert_eq!(code(longer).1, "INVALID_CREDENTIALS");
}

#[tokio::test]
async fn odd_input_is_a_clear_refusal() {
    let hostel = Hostel::open().await;
    let long = "x".repeat(10_000);
    for (identifier, password) in [
        ("", PASSWORD),
        (ADMIN, ""),
        (long.as_str(), PASSWORD),
        (ADMIN, long.as_str()),
    ] {
        assert_eq!(
            code(hostel.try_login(identifier, password).await).0,
            Code::InvalidArgument
        );
    }
    let control = hostel.try_login("admin\0@hostel.example", PASSWORD).await;
    assert_eq!(code(control).0, Code::InvalidArgument);
    for identifier in ["' OR 1=1 --", "аdmin@hostel.example"] {
        assert_eq!(
            code(hostel.try_login(identifier, PASSWORD).await).1,
            "INVALID_CREDENTIALS"
        );
    }
    assert_eq!(code(hostel.try_login(ADMIN, "a\0b").await).1, "INVALID_CREDENTIALS");
}

#[tokio::test]
async fn too_many_at_once_are_asked_to_come_back() {
    let config = auth::Config {
        hashing_threads: 1,
        hashing_queue: 2,
        bcrypt_cost: 10,
        ..crate::hostel::config()
    };
    let hostel = Hostel {
        world: kit::testing::World::start_with::<auth::Auth>(config).await,
    };
    let tries = (0..20).map(|_| hostel.try_login(ADMIN, PASSWORD));
    let outcomes = futures_util::future::join_all(tries).await;
    let busy: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
    assert!(
        !busy.is_empty() && busy.len() < 20,
        "{} of 20 were asked to come back",
        busy.len()
    );
    assert!(
        busy.iter()
            .all(|fault| fault.kind.grpc() == Code::Unavailable && fault.retry_after.is_some()),
        "{busy:?}"
    );
}

#[tokio::test]
async fn a_second_start_on_the_same_data_finds_everything() {
    let hostel = Hostel::open().await;
    let before = hostel.login(ADMIN).await;
    let stores = hostel.world.stop().await;
    let world = kit::testing::World::on::<auth::Auth>(stores, crate::hostel::config()).await;
    let hostel = Hostel { world };
    assert!(
        hostel.me(&before).await.is_ok(),
        "a token of before the restart still holds"
    );
    hostel.login(ADMIN).await;
}
