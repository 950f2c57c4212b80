//! Passwords: forgotten, never had, changed.

use kit::testing::TestStores;
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{NEW_PASSWORD, PASSWORD, code, mailed_code, post, refused_everywhere, sign_in, try_login};
use crate::binary::Running;

#[tokio::test]
async fn a_forgotten_password_is_set_anew_by_mail() {
    let stores = TestStores::default();
    let hostel = Running::demo(&stores);
    let before = sign_in(&hostel, "student@demo.local", PASSWORD).await;
    let known = post(
        &hostel,
        "/api/v1/auth/forgot-password",
        None,
        json!({ "identifier": "REG-2026-001" }),
    )
    .await;
    let unknown = post(
        &hostel,
        "/api/v1/auth/forgot-password",
        None,
        json!({ "identifier": "REG-404" }),
    )
    .await;
    assert_eq!(
        (known.status, &known.body["data"], &known.body["message"]),
        (unknown.status, &unknown.body["data"], &unknown.body["message"])
    );
    let otp = mailed_code(&stores, "student@demo.local", 0).await;
    let reset = |otp: String, password: &'static str| {
        let body = json!({ "identifier": "student@demo.local", "otp": otp, "new_password": password });
        post(&hostel, "/api/v1/auth/reset-password", None, body)
    };
    let weak = reset(otp.clone(), "weak").await;
    assert_eq!(
        (code(&weak), &weak.body["error"]["details"][0]["field"]),
        ((400, "VALIDATION_ERROR"), &json!("new_password"))
    );
    let same = reset(otp.clone(), PASSWORD).await;
    assert_eq!(
        (code(&same), &same.body["error"]["details"][0]["field"]),
        ((400, "VALIDATION_ERROR"), &json!("new_password"))
    );
    let wrong = if otp == "000000" { "111111" } else { "000000" };
    assert_eq!(code(&reset(wrong.to_owned(), NEW_PASSWORD).await), (422, "OTP_INVALID"));
    assert_eq!(reset(otp.clone(), NEW_PASSWORD).await.status, StatusCode::OK);
    assert_eq!(code(&reset(otp, "Other#2026x").await), (422, "OTP_INVALID"), "once");
    refused_everywhere(&hostel, &before.access, &["/api/v1/auth/me"]).await;
    assert_eq!(
        code(&try_login(&hostel, "student@demo.local", PASSWORD).await),
        (401, "INVALID_CREDENTIALS")
    );
    sign_in(&hostel, "student@demo.local", NEW_PASSWORD).await;
}

#[tokio::test]
async fn somebody_without_a_password_is_invited() {
    let stores = TestStores::default();
    let hostel = Running::demo(&stores);
    let admin = hostel.login("admin@demo.local").await;
    let new = json!({ "email": "new.guard@demo.local", "name": "New Guard", "role": "guard" });
    let created = post(&hostel, "/api/v1/users", Some(&admin), new).await;
    assert_eq!(created.status, StatusCode::CREATED, "{created:?}");
    let otp = mailed_code(&stores, "new.guard@demo.local", 0).await;
    let body = json!({ "identifier": "new.guard@demo.local", "otp": otp, "new_password": NEW_PASSWORD });
    let taken = post(&hostel, "/api/v1/auth/reset-password", None, body).await;
    assert_eq!(taken.status, StatusCode::OK, "{taken:?}");
    sign_in(&hostel, "new.guard@demo.local", NEW_PASSWORD).await;
    let again = format!("/api/v1/users/{}/invite", created.data()["id"].as_str().unwrap());
    let again = hostel.call(Method::POST, &again, Some(&admin), None).await;
    assert_eq!(code(&again), (422, "HAS_PASSWORD"));
}

#[tokio::test]
async fn a_changed_password_ends_the_other_sessions() {
    let stores = TestStores::default();
    let hostel = Running::demo(&stores);
    let here = sign_in(&hostel, "guard@demo.local", PASSWORD).await;
    let there = sign_in(&hostel, "guard@demo.local", PASSWORD).await;
    let change = |current: &'static str, new: &'static str| {
        let body = json!({ "current_password": current, "new_password": new });
        post(&hostel, "/api/v1/auth/change-password", Some(&here.access), body)
    };
    assert_eq!(
        code(&change("Wrong#2026x", NEW_PASSWORD).await),
        (422, "WRONG_PASSWORD")
    );
    assert_eq!(change(PASSWORD, NEW_PASSWORD).await.status, StatusCode::OK);
    refused_everywhere(&hostel, &there.access, &["/api/v1/auth/me"]).await;
    assert_eq!(hostel.get("/api/v1/auth/me", &here.access).await.status, StatusCode::OK);
    let back = change(NEW_PASSWORD, PASSWORD).await;
    assert_eq!(code(&back), (400, "VALIDATION_ERROR"), "one of the last three");
}
