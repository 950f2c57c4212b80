//! Signing in and out as apps, pages and tools do it, over HTTP with the real binary.

use std::time::{Duration, Instant};

use auth::domain::totp::TotpSecret;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use futures_util::future::join_all;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use kit::{Clock, testing::TestStores};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::binary::{Answer, Running};

const PASSWORD: &str = "Demo@1234";
const NEW_PASSWORD: &str = "Gate#2026x";

/// The tokens of somebody who signed in.
struct Signed {
    access: String,
    refresh: String,
}

async fn post(hostel: &Running, path: &str, token: Option<&str>, body: Value) -> Answer {
    hostel.call(Method::POST, path, token, Some(body)).await
}

async fn try_login(hostel: &Running, identifier: &str, password: &str) -> Answer {
    post(
        hostel,
        "/api/v1/auth/login",
        None,
        json!({ "identifier": identifier, "password": password }),
    )
    .await
}

async fn sign_in(hostel: &Running, identifier: &str, password: &str) -> Signed {
    signed(&try_login(hostel, identifier, password).await)
}

fn signed(answer: &Answer) -> Signed {
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let text = |name: &str| answer.data()[name].as_str().unwrap().to_owned();
    Signed {
        access: text("access_token"),
        refresh: text("refresh_token"),
    }
}

async fn refresh(hostel: &Running, token: &str) -> Answer {
    post(hostel, "/api/v1/auth/refresh", None, json!({ "refresh_token": token })).await
}

fn code(answer: &Answer) -> (u16, &str) {
    (
        answer.status.as_u16(),
        answer.body["error"]["code"].as_str().unwrap_or_default(),
    )
}

/// Waits until every service refuses the token; longer than a second is too long.
async fn refused_everywhere(hostel: &Running, token: &str, paths: &[&str]) {
    let end = Instant::now() + Duration::from_secs(1);
    for path in paths {
        loop {
            let answer = hostel.get(path, token).await;
            if answer.status == StatusCode::UNAUTHORIZED {
                break;
            }
            assert!(Instant::now() < end, "{path} still answers {answer:?}");
        }
    }
}

/// The one-time code in the newest mail to an address, once a mail that is newer than `seen` is there.
async fn mailed_code(stores: &TestStores, to: &str, seen: usize) -> String {
    let folder = stores.config().base.data.join("mail");
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let mut mails = mails_to(&folder, to);
        if mails.len() > seen {
            let mail = mails.pop().unwrap();
            let digits = mail.split(|c: char| !c.is_ascii_digit()).find(|word| word.len() == 6);
            return digits.unwrap().to_owned();
        }
        assert!(Instant::now() < end, "no mail to {to} in {}", folder.display());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The text parts of the mails to an address, the oldest first.
fn mails_to(folder: &std::path::Path, to: &str) -> Vec<String> {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<_> = files
        .map(|file| file.path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "eml"))
        .collect();
    files.sort_by_key(|path| std::fs::metadata(path).and_then(|data| data.modified()).ok());
    let texts = files.iter().map(|path| std::fs::read_to_string(path).unwrap());
    let to = format!("To: {to}");
    let ours = texts.filter(|text| text.lines().any(|line| line.trim_end() == to));
    // The first part behind the header is the plain text.
    ours.map(|text| {
        text.split_once("text/plain")
            .map_or(text.clone(), |(_, body)| body.to_owned())
    })
    .collect()
}

#[tokio::test]
async fn a_session_goes_on_until_it_is_signed_out_everywhere() {
    let stores = TestStores::default();
    let hostel = Running::demo(&stores);
    let first = sign_in(&hostel, "admin@demo.local", PASSWORD).await;
    let second = signed(&refresh(&hostel, &first.refresh).await);
    assert_ne!(first.refresh, second.refresh);
    let again = signed(&refresh(&hostel, &first.refresh).await);
    assert_eq!(again.refresh, second.refresh, "a lost answer is given again");

    let third = join_all((0..50).map(|_| refresh(&hostel, &second.refresh))).await;
    let third: Vec<_> = third.iter().map(signed).collect();
    assert!(
        third.iter().all(|pair| pair.refresh == third[0].refresh),
        "one successor"
    );

    let sessions = hostel.get("/api/v1/auth/sessions", &third[0].access).await;
    assert_eq!(sessions.body["pagination"]["total_items"], 1, "{sessions:?}");
    assert_eq!(sessions.data()[0]["is_current"], true);
    let out = post(
        &hostel,
        "/api/v1/auth/logout",
        Some(&third[0].access),
        json!({ "refresh_token": third[0].refresh }),
    )
    .await;
    assert_eq!(out.status, StatusCode::OK, "{out:?}");
    for pair in [&first, &second, &third[0], &third[49]] {
        refused_everywhere(
            &hostel,
            &pair.access,
            &["/api/v1/auth/me", "/api/v1/audit", "/api/v1/users"],
        )
        .await;
        assert_eq!(code(&refresh(&hostel, &pair.refresh).await).0, 401);
    }
}

#[tokio::test]
async fn one_session_ends_another_and_all_others() {
    let stores = TestStores::default();
    let hostel = Running::demo(&stores);
    let here = sign_in(&hostel, "warden@demo.local", PASSWORD).await;
    let there = sign_in(&hostel, "warden@demo.local", PASSWORD).await;
    let elsewhere = sign_in(&hostel, "warden@demo.local", PASSWORD).await;
    let stranger = hostel.login("guard@demo.local").await;
    let listed = hostel.get("/api/v1/auth/sessions", &there.access).await;
    let id = listed
        .data()
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["is_current"] == true)
        .unwrap()["id"]
        .clone();
    let path = format!("/api/v1/auth/sessions/{}", id.as_str().unwrap());
    let foreign = hostel.call(Method::DELETE, &path, Some(&stranger), None).await;
    assert_eq!(code(&foreign), (404, "NOT_FOUND"));
    let ended = hostel.call(Method::DELETE, &path, Some(&here.access), None).await;
    assert_eq!(ended.status, StatusCode::OK, "{ended:?}");
    refused_everywhere(&hostel, &there.access, &["/api/v1/auth/me", "/api/v1/audit"]).await;
    let all = hostel
        .call(Method::DELETE, "/api/v1/auth/sessions", Some(&here.access), None)
        .await;
    assert_eq!(all.data()["ended"], 1, "{all:?}");
    refused_everywhere(&hostel, &elsewhere.access, &["/api/v1/audit"]).await;
    assert_eq!(hostel.get("/api/v1/auth/me", &here.access).await.status, StatusCode::OK);
}

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

#[tokio::test]
async fn who_is_deactivated_or_given_another_role_is_out_at_once() {
    let stores = TestStores::default();
    let hostel = Running::demo(&stores);
    let admin = hostel.login("admin@demo.local").await;
    for (who, method, path, body) in [
        ("warden@demo.local", Method::DELETE, "", None),
        (
            "teacher@demo.local",
            Method::PUT,
            "/role",
            Some(json!({ "role": "warden" })),
        ),
    ] {
        let token = hostel.login(who).await;
        let me = hostel.get("/api/v1/auth/me", &token).await;
        let id = me.data()["id"].as_str().unwrap();
        let done = hostel
            .call(method, &format!("/api/v1/users/{id}{path}"), Some(&admin), body)
            .await;
        assert_eq!(done.status, StatusCode::OK, "{done:?}");
        refused_everywhere(&hostel, &token, &["/api/v1/auth/me", "/api/v1/audit"]).await;
    }
    let promoted = hostel.login("teacher@demo.local").await;
    assert_eq!(
        hostel.get("/api/v1/audit", &promoted).await.status,
        StatusCode::OK,
        "a warden now"
    );
}

#[tokio::test]
async fn a_key_works_where_its_role_may_and_until_it_is_revoked() {
    let stores = TestStores::default();
    let hostel = Running::demo(&stores);
    let admin = hostel.login("admin@demo.local").await;
    let wanted = json!({ "name": "Audit export", "role": "warden", "allowed_ips": ["127.0.0.0/8"] });
    let created = post(&hostel, "/api/v1/api-keys", Some(&admin), wanted).await;
    assert_eq!(created.status, StatusCode::CREATED, "{created:?}");
    let key = created.data()["key"].as_str().unwrap().to_owned();
    assert!(key.starts_with("hpk_"), "{key}");
    assert_eq!(hostel.get("/api/v1/audit", &key).await.status, StatusCode::OK);
    let own_sessions = hostel.get("/api/v1/auth/sessions", &key).await;
    assert_eq!(code(&own_sessions), (403, "FORBIDDEN"), "a key is no person");
    let elsewhere = json!({ "name": "Elsewhere", "role": "warden", "allowed_ips": ["203.0.113.7"] });
    let elsewhere = post(&hostel, "/api/v1/api-keys", Some(&admin), elsewhere).await;
    let elsewhere = elsewhere.data()["key"].as_str().unwrap().to_owned();
    assert_eq!(
        hostel.get("/api/v1/audit", &elsewhere).await.status,
        StatusCode::UNAUTHORIZED
    );
    let listed = hostel.get("/api/v1/api-keys", &admin).await;
    assert_eq!(listed.body["pagination"]["total_items"], 2);
    assert!(!listed.body.to_string().contains(&key));
    let id = created.data()["api_key"]["id"].as_str().unwrap();
    let revoked = hostel
        .call(Method::DELETE, &format!("/api/v1/api-keys/{id}"), Some(&admin), None)
        .await;
    assert_eq!(revoked.status, StatusCode::OK, "{revoked:?}");
    refused_everywhere(&hostel, &key, &["/api/v1/audit", "/api/v1/auth/me"]).await;
}

#[tokio::test]
async fn what_happens_to_accounts_stands_in_the_trail() {
    let stores = TestStores::default();
    let hostel = Running::demo(&stores);
    let admin = hostel.login("admin@demo.local").await;
    let student = sign_in(&hostel, "student2@demo.local", PASSWORD).await;
    assert_eq!(
        code(&try_login(&hostel, "student2@demo.local", "Wrong#2026x").await).0,
        401
    );
    assert_eq!(
        code(&try_login(&hostel, "nobody@demo.local", "Wrong#2026x").await).0,
        401
    );
    let change = json!({ "current_password": PASSWORD, "new_password": NEW_PASSWORD });
    assert_eq!(
        post(&hostel, "/api/v1/auth/change-password", Some(&student.access), change)
            .await
            .status,
        StatusCode::OK
    );
    let forgot = json!({ "identifier": "student2@demo.local" });
    post(&hostel, "/api/v1/auth/forgot-password", None, forgot).await;
    let otp = mailed_code(&stores, "student2@demo.local", 0).await;
    post(&hostel, "/api/v1/auth/logout", Some(&student.access), json!({})).await;
    for action in [
        "signed_in",
        "sign_in_failed",
        "password_changed",
        "code_sent",
        "sessions_ended",
    ] {
        let path = format!("/api/v1/audit?action=hostelpulse.user.{action}.v1");
        hostel
            .eventually(&path, &admin, |answer| {
                answer.body["pagination"]["total_items"].as_u64() > Some(0)
            })
            .await;
    }
    let all = hostel.get("/api/v1/audit?limit=100", &admin).await.body.to_string();
    for secret in [
        PASSWORD,
        NEW_PASSWORD,
        "Wrong#2026x",
        &otp,
        &student.refresh,
        &student.access,
        "nobody@demo.local",
    ] {
        assert!(!all.contains(secret), "{secret} stands in the trail");
    }
    let verdict = hostel.get("/api/v1/audit/verify", &admin).await;
    assert_eq!(verdict.data()["intact"], true, "{verdict:?}");
}

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

/// The cookie that an answer sets, as a browser would send it back.
fn cookie(answer: &Response) -> (String, &str) {
    let set = answer.headers()["set-cookie"].to_str().unwrap();
    (set.split(';').next().unwrap().to_owned(), set)
}

#[tokio::test]
async fn a_page_keeps_its_session_in_a_cookie() {
    let stores = TestStores::default();
    let hostel = Running::demo(&stores);
    let login = json!({ "identifier": "guard@demo.local", "password": PASSWORD, "cookie": true });
    let login = hostel
        .request(Method::POST, "/api/v1/auth/login")
        .json(&login)
        .send()
        .await
        .unwrap();
    let (first, set) = cookie(&login);
    for wanted in ["__Host-", "HttpOnly", "Secure", "SameSite=Strict", "Path=/"] {
        assert!(set.contains(wanted), "{set}");
    }
    let body: Value = login.json().await.unwrap();
    assert_eq!(body["data"]["refresh_token"], Value::Null);

    let refresh = |cookie: &str| {
        hostel
            .request(Method::POST, "/api/v1/auth/refresh")
            .header("cookie", cookie)
    };
    let forged = refresh(&first).send().await.unwrap();
    assert_eq!(
        forged.status(),
        StatusCode::FORBIDDEN,
        "a form of another site sends no header"
    );
    let foreign = refresh(&first)
        .header("x-requested-with", "fetch")
        .header("origin", "https://evil.example");
    assert_eq!(foreign.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    let renewed = refresh(&first)
        .header("x-requested-with", "fetch")
        .send()
        .await
        .unwrap();
    assert_eq!(renewed.status(), StatusCode::OK);
    let (second, _) = cookie(&renewed);
    assert_ne!(first, second);
    let body: Value = renewed.json().await.unwrap();
    let access = body["data"]["access_token"].as_str().unwrap().to_owned();
    let by_cookie = hostel
        .request(Method::GET, "/api/v1/auth/me")
        .header("cookie", &second)
        .send()
        .await
        .unwrap();
    assert_eq!(by_cookie.status(), StatusCode::UNAUTHORIZED, "a cookie is no token");
    let out = hostel
        .request(Method::POST, "/api/v1/auth/logout")
        .bearer_auth(&access)
        .header("cookie", &second);
    let out = out.header("x-requested-with", "fetch").send().await.unwrap();
    assert_eq!(out.status(), StatusCode::OK);
    assert!(cookie(&out).1.contains("Max-Age=0"), "{:?}", cookie(&out));
    let after = refresh(&second)
        .header("x-requested-with", "fetch")
        .send()
        .await
        .unwrap();
    assert_eq!(after.status(), StatusCode::UNAUTHORIZED);
}

/// The claims of a token, to be bent.
fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn a_forged_token_opens_nothing() {
    let secret = "an installation's secret of enough length";
    let stores = TestStores::default();
    let hostel = Running::up(&stores, &["--demo"], &[("HOSTELPULSE_TOKEN_SECRET", secret)]);
    let good = hostel.login("admin@demo.local").await;
    let header = jsonwebtoken::decode_header(&good).unwrap();
    assert_eq!(header.alg, Algorithm::HS256, "as the installation asks");
    let set = hostel.call(Method::GET, "/.well-known/jwks.json", None, None).await;
    let public = set.body["keys"][0].clone();
    let now = Clock::system().now().timestamp();
    let bend = |name: &str, value: Value| {
        let mut claims = claims(&good);
        claims[name] = value;
        sign(&header, &claims, secret.as_bytes())
    };
    let with_header = |header: Header, key: &[u8]| sign(&header, &claims(&good), key);
    let public_text = public["x"].as_str().unwrap();
    let other_kid = Header {
        kid: public["kid"].as_str().map(str::to_owned),
        ..header.clone()
    };
    let text = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let unsigned = json!({ "alg": "none", "typ": header.typ, "kid": header.kid });
    let forged = [
        ("not signed", format!("{}.{}.", text(&unsigned), text(&claims(&good)))),
        (
            "another secret",
            with_header(header.clone(), b"another secret of just enough length"),
        ),
        (
            "the public key as secret",
            with_header(other_kid.clone(), public_text.as_bytes()),
        ),
        (
            "its bytes",
            with_header(other_kid, &BASE64_URL_SAFE_NO_PAD.decode(public_text).unwrap()),
        ),
        (
            "an unknown key",
            with_header(
                Header {
                    kid: Some("../../etc/passwd".to_owned()),
                    ..header.clone()
                },
                secret.as_bytes(),
            ),
        ),
        (
            "another type",
            with_header(
                Header {
                    typ: Some("JWT".to_owned()),
                    ..header.clone()
                },
                secret.as_bytes(),
            ),
        ),
        ("another issuer", bend("iss", json!("elsewhere"))),
        ("another audience", bend("aud", json!("elsewhere"))),
        ("ended", bend("exp", json!(now - 1))),
        ("not yet", bend("nbf", json!(now + 3600))),
        ("no such role", bend("role", json!("superuser"))),
        (
            "no such session",
            bend("sid", json!("00000000-0000-7000-8000-000000000000")),
        ),
        (
            "a refresh token",
            sign_in(&hostel, "admin@demo.local", PASSWORD).await.refresh,
        ),
    ];
    for (what, token) in &forged {
        let me = hostel.get("/api/v1/auth/me", token).await;
        assert_eq!(me.status, StatusCode::UNAUTHORIZED, "{what}: {me:?}");
    }
    for (what, token) in forged.iter().filter(|(what, _)| *what != "no such session") {
        let audit = hostel.get("/api/v1/audit", token).await;
        assert_eq!(audit.status, StatusCode::UNAUTHORIZED, "{what}: {audit:?}");
    }
    assert_eq!(hostel.get("/api/v1/audit", &good).await.status, StatusCode::OK);
}

fn sign(header: &Header, claims: &Value, secret: &[u8]) -> String {
    jsonwebtoken::encode(header, claims, &EncodingKey::from_secret(secret)).unwrap()
}

#[tokio::test]
async fn odd_input_is_a_clear_refusal() {
    let stores = TestStores::default();
    let hostel = Running::up(&stores, &["--demo"], &[("HOSTELPULSE_LIMITS__ENABLED", "false")]);
    let long = "x".repeat(10_000);
    for (path, body) in [
        ("login", json!({ "identifier": "admin@demo.local", "password": long })),
        ("login", json!({ "identifier": long, "password": PASSWORD })),
        ("login", json!({ "identifier": "a\u{0}b", "password": PASSWORD })),
        (
            "login",
            json!({ "identifier": ["admin@demo.local"], "password": PASSWORD }),
        ),
        (
            "login",
            json!({ "identifier": "admin@demo.local", "password": PASSWORD, "role": "admin" }),
        ),
        ("login/mfa", json!({ "challenge_token": long, "code": "123456" })),
        ("login/mfa", json!({ "challenge_token": "x" })),
        ("refresh", json!({ "refresh_token": long })),
        ("refresh", json!({})),
        ("forgot-password", json!({ "identifier": "a\r\nBcc: b@c.d" })),
        (
            "reset-password",
            json!({ "identifier": "admin@demo.local", "otp": "12345", "new_password": NEW_PASSWORD }),
        ),
        (
            "reset-password",
            json!({ "identifier": "admin@demo.local", "otp": "١٢٣٤٥٦", "new_password": NEW_PASSWORD }),
        ),
        (
            "reset-password",
            json!({ "identifier": "admin@demo.local", "otp": "123456", "new_password": "Password1!" }),
        ),
        (
            "reset-password",
            json!({ "identifier": "admin@demo.local", "otp": "123456", "new_password": long }),
        ),
    ] {
        let answer = post(&hostel, &format!("/api/v1/auth/{path}"), None, body.clone()).await;
        assert_eq!(code(&answer), (400, "VALIDATION_ERROR"), "{path} {body}");
        assert!(
            !answer.body["error"]["details"].as_array().unwrap().is_empty(),
            "{answer:?}"
        );
    }
    for identifier in [
        "' OR 1=1 --",
        "аdmin@demo.local",
        "admin@demo.local\u{200b}",
        "ADMIN@DEMO.LOCAL\u{301}",
    ] {
        let answer = try_login(&hostel, identifier, PASSWORD).await;
        assert!(
            matches!(answer.status.as_u16(), 400 | 401),
            "{identifier:?}: {answer:?}"
        );
    }
    assert_eq!(
        try_login(&hostel, "ADMIN@Demo.Local", PASSWORD).await.status,
        StatusCode::OK
    );
}
