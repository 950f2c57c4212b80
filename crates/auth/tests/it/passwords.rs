//! Passwords: what they must be like, how they change, and what ends with them.

use auth::{Config, domain::password::Policy};
use kit::config::SecretText;
use proto::options::Role;
use serde_json::json;
use tonic::Code;

use crate::hostel::{ADMIN, Hostel, PASSWORD, code, config, somebody};

const NEXT: &str = "Copper#41kettle";
const THIRD: &str = "Mossy#52bridge";
const FOURTH: &str = "Quiet#63harbour";

#[tokio::test]
async fn a_changed_password_signs_in_and_the_former_does_not() {
    let hostel = Hostel::open().await;
    let token = hostel.login(ADMIN).await;
    let elsewhere = hostel.login(ADMIN).await;
    hostel.change_password(&token, PASSWORD, NEXT).await.unwrap();
    assert!(hostel.me(&token).await.is_ok(), "the session that changed it goes on");
    assert_eq!(code(hostel.me(&elsewhere).await).0, Code::Unauthenticated);
    assert_eq!(code(hostel.try_login(ADMIN, PASSWORD).await).1, "INVALID_CREDENTIALS");
    assert!(hostel.try_login(ADMIN, NEXT).await.is_ok());

    let changed = hostel.events("user.password_changed").await;
    assert_eq!(changed.len(), 1);
    assert_eq!(changed[0]["data"]["how"], "changed");
    assert_eq!(changed[0]["actor"]["role"], "admin");
    let ended = hostel.events("user.sessions_ended").await;
    assert_eq!((ended.len(), &ended[0]["data"]["why"]), (1, &json!("password")));
}

#[tokio::test]
async fn a_wrong_present_password_is_refused() {
    let hostel = Hostel::open().await;
    let token = hostel.login(ADMIN).await;
    let refused = hostel.change_password(&token, "Wrong#2026x", NEXT).await;
    assert_eq!(code(refused), (Code::FailedPrecondition, "WRONG_PASSWORD".to_owned()));
    assert!(hostel.events("user.password_changed").await.is_empty());
    hostel.login(ADMIN).await;
}

#[tokio::test]
async fn a_new_password_keeps_the_rules() {
    let hostel = Hostel::open().await;
    let token = hostel.login(ADMIN).await;
    for bad in [
        "Aa1!aaa",
        "P@ssw0rd@123",
        "no-upper-case1",
        &format!("A1!{}", "x".repeat(70)),
    ] {
        let fault = hostel.change_password(&token, PASSWORD, bad).await.unwrap_err();
        assert_eq!(fault.reason, "VALIDATION_ERROR");
        assert_eq!(fault.violations[0].field, "new_password");
    }
    for (current, new, field) in [
        ("", NEXT, "current_password"),
        (PASSWORD, "", "new_password"),
        (PASSWORD, "x".repeat(10_000).as_str(), "new_password"),
    ] {
        let fault = hostel.change_password(&token, current, new).await.unwrap_err();
        assert_eq!(fault.violations[0].field, field);
    }
}

#[tokio::test]
async fn the_last_three_are_not_chosen_again() {
    let hostel = Hostel::open().await;
    let token = hostel.login(ADMIN).await;
    let mut present = PASSWORD;
    for next in [NEXT, THIRD] {
        let same = hostel.change_password(&token, present, present).await.unwrap_err();
        assert_eq!(same.violations[0].error, "must not be one of your last 3 passwords");
        hostel.change_password(&token, present, next).await.unwrap();
        present = next;
    }
    let first = hostel.change_password(&token, present, PASSWORD).await.unwrap_err();
    assert_eq!(first.violations[0].field, "new_password");
    hostel.change_password(&token, present, FOURTH).await.unwrap();
    hostel.change_password(&token, FOURTH, PASSWORD).await.unwrap();
    let kept = hostel.rows("SELECT hash AS text FROM password_history").await;
    assert_eq!(kept.len(), 3);
}

#[tokio::test]
async fn of_two_changes_at_once_one_holds() {
    let hostel = Hostel::open().await;
    let (one, other) = (hostel.login(ADMIN).await, hostel.login(ADMIN).await);
    let (first, second) = tokio::join!(
        hostel.change_password(&one, PASSWORD, NEXT),
        hostel.change_password(&other, PASSWORD, THIRD)
    );
    assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
    let (winner, loser) = if first.is_ok() { (NEXT, THIRD) } else { (THIRD, NEXT) };
    assert!(hostel.try_login(ADMIN, winner).await.is_ok());
    assert!(hostel.try_login(ADMIN, loser).await.is_err());
    assert_eq!(hostel.events("user.password_changed").await.len(), 1);
}

#[tokio::test]
async fn where_length_counts_a_phrase_is_enough() {
    let phrase = "copper kettle under moss";
    let hostel = Hostel::open_with(Config {
        password_policy: Policy::Length,
        admin_password: Some(SecretText(phrase.to_owned().into())),
        ..config()
    })
    .await;
    let signed_in = hostel.try_login(ADMIN, phrase).await.unwrap();
    let admin = signed_in.access_token();
    let with = |email: &str, role, password: &str| {
        let mut request = somebody(email, role);
        request.password = Some(password.to_owned());
        request
    };
    let student = with("student@hostel.example", Role::Student, "mossy kettle");
    hostel.try_create(admin, student).await.unwrap();
    for (role, password) in [
        (Role::Guard, "mossy kettle"),
        (Role::Student, "iloveyou"),
        (Role::Guard, "qwertyuiopasdfghjkl"),
        (Role::Student, "kettle"),
    ] {
        let fault = hostel
            .try_create(admin, with("x@hostel.example", role, password))
            .await
            .unwrap_err();
        assert_eq!(fault.violations[0].field, "password", "{password}");
    }
    hostel.create_invited(admin, "guard@hostel.example", Role::Guard).await;
    let otp = hostel.mailed_code("guard@hostel.example", 1).await;
    // The stricter rule is told to whoever has the code, and costs no try.
    for _ in 0..6 {
        let fault = hostel
            .reset("guard@hostel.example", &otp, "mossy kettle")
            .await
            .unwrap_err();
        assert_eq!(fault.violations[0].error, "must have 15 characters or more");
    }
    hostel
        .reset("guard@hostel.example", &otp, "mossy kettle by the gate")
        .await
        .unwrap();
}

#[tokio::test]
async fn a_configuration_that_makes_no_sense_is_refused() {
    use kit::service::Service as _;
    for wrong in [
        Config {
            product_name: "Hostel\r\nBcc: x".to_owned(),
            ..config()
        },
        Config {
            product_name: " ".to_owned(),
            ..config()
        },
        Config {
            public_url: Some("javascript:alert(1)".to_owned()),
            ..config()
        },
        Config {
            public_url: Some("https://hostel.example/<b>".to_owned()),
            ..config()
        },
        Config {
            password_policy: Policy::Length,
            ..config()
        },
    ] {
        assert!(auth::Auth::check(&wrong).is_err(), "{wrong:?}");
    }
    let good = Config {
        public_url: Some("https://hostel.example/app".to_owned()),
        ..config()
    };
    auth::Auth::check(&good).unwrap();
}
