//! A second factor, from its set-up to the sign-in with a recovery code.

use auth::domain::totp::TotpSecret;
use kit::{Clock, testing::TestStores};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{PASSWORD, code, post, signed, try_login};
use crate::binary::Running;

#[tokio::test]
async fn a_second_factor_is_asked_for_once_it_is_on() {
    let stores = TestStores::default();
    let hostel = Running::demo(&stores);
    let admin = hostel.login("admin@demo.local").await;
    let asked = json!({ "current_password": PASSWORD });
    let enrolment = post(&hostel, "/api/v1/auth/mfa/setup", Some(&admin), asked).await;
    assert_eq!(enrolment.status, StatusCode::OK, "{enrolment:?}");
    let app = TotpSecret::parse(enrolment.data()["secret"].as_str().unwrap()).unwrap();
    let shown = || app.code(Clock::system().now()).digits();
    let first = shown();
    let on = post(
        &hostel,
        "/api/v1/auth/mfa/confirm",
        Some(&admin),
        json!({ "code": first }),
    )
    .await;
    let recovery = on.data()["recovery_codes"].as_array().unwrap().clone();
    assert_eq!(recovery.len(), 10, "{on:?}");

    let challenged = try_login(&hostel, "admin@demo.local", PASSWORD).await;
    assert_eq!(challenged.status, StatusCode::OK);
    assert_eq!(
        (&challenged.data()["mfa_required"], &challenged.data()["access_token"]),
        (&json!(true), &Value::Null)
    );
    let challenge = challenged.data()["challenge_token"].clone();
    let second = |code: Value| {
        post(
            &hostel,
            "/api/v1/auth/login/mfa",
            None,
            json!({ "challenge_token": challenge, "code": code }),
        )
    };
    let replayed = second(json!(first)).await;
    assert_eq!(code(&replayed), (401, "MFA_CODE_INVALID"), "each code once");
    let signed_in = signed(&second(recovery[0].clone()).await);
    assert_eq!(
        hostel.get("/api/v1/auth/me", &signed_in.access).await.status,
        StatusCode::OK
    );
    let state = hostel.get("/api/v1/auth/mfa", &signed_in.access).await;
    assert_eq!(
        (&state.data()["is_enabled"], &state.data()["recovery_codes_left"]),
        (&json!(true), &json!(9))
    );
    assert_eq!(
        code(&second(recovery[1].clone()).await).0,
        401,
        "one challenge is one session"
    );
}
