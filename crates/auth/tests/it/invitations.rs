//! Invitations: an account without a password, and how its owner comes by one.

use proto::options::Role;
use serde_json::json;
use tonic::Code;

use crate::hostel::{ADMIN, Hostel, PASSWORD, code};

const GUARD: &str = "guard@hostel.example";

#[tokio::test]
async fn somebody_who_is_invited_chooses_a_password() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let guard = hostel.create_invited(&admin, GUARD, Role::Guard).await;
    assert_eq!(code(hostel.try_login(GUARD, PASSWORD).await).1, "INVALID_CREDENTIALS");
    let mail = hostel.mail(GUARD, 1).await;
    assert!(mail.contains("Subject: HostelPulse: an account for you"));
    let otp = hostel.mailed_code(GUARD, 1).await;
    hostel.reset(GUARD, &otp, PASSWORD).await.unwrap();
    let token = hostel.login(GUARD).await;
    assert_eq!(hostel.me(&token).await.unwrap().id, guard.id);
    assert_eq!(
        hostel.events("user.code_sent").await[0]["data"]["purpose"],
        "invitation"
    );
    assert_eq!(
        hostel.events("user.password_changed").await[0]["data"]["how"],
        json!("invitation")
    );

    hostel.no_letter_waits().await;
    assert_eq!(
        code(hostel.invite(&admin, &guard.id).await),
        (Code::FailedPrecondition, "HAS_PASSWORD".to_owned())
    );
}

#[tokio::test]
async fn an_invitation_is_sent_once_more_with_a_new_code() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let guard = hostel.create_invited(&admin, GUARD, Role::Guard).await;
    let first = hostel.mailed_code(GUARD, 1).await;
    hostel.no_letter_waits().await;
    hostel.invite(&admin, &guard.id).await.unwrap();
    let second = hostel.mailed_code(GUARD, 2).await;
    if first != second {
        assert_eq!(code(hostel.reset(GUARD, &first, PASSWORD).await).1, "OTP_INVALID");
    }
    hostel.reset(GUARD, &second, PASSWORD).await.unwrap();
}

#[tokio::test]
async fn somebody_who_missed_the_invitation_asks_for_a_code() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    hostel.create_invited(&admin, GUARD, Role::Guard).await;
    hostel.mail(GUARD, 1).await;
    hostel.no_letter_waits().await;
    hostel.world.clock.advance(chrono::Duration::days(3));
    hostel.forgot(GUARD).await;
    let otp = hostel.mailed_code(GUARD, 2).await;
    hostel.reset(GUARD, &otp, PASSWORD).await.unwrap();
    hostel.login(GUARD).await;
}

#[tokio::test]
async fn who_may_be_invited() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    hostel.create(&admin, "warden@hostel.example", Role::Warden).await;
    let warden = hostel.login("warden@hostel.example").await;
    let above = hostel
        .create_invited(&admin, "second@hostel.example", Role::Admin)
        .await;
    assert_eq!(code(hostel.invite(&warden, &above.id).await).0, Code::PermissionDenied);
    let unknown = "0192f3a4-0000-7000-8000-000000000000";
    assert_eq!(code(hostel.invite(&warden, unknown).await).0, Code::NotFound);
    assert_eq!(code(hostel.invite(&warden, "x").await).0, Code::InvalidArgument);
    let guard = hostel.create_invited(&warden, GUARD, Role::Guard).await;
    hostel.deactivate(&warden, &guard.id).await.unwrap();
    assert_eq!(
        code(hostel.invite(&warden, &guard.id).await),
        (Code::FailedPrecondition, "DEACTIVATED".to_owned())
    );
}
