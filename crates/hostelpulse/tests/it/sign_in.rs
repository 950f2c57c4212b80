//! Signing in and out as apps, pages and tools do it, over HTTP with the real binary.

mod cookies;
mod forged;
mod passwords;
mod second_factor;

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use kit::testing::TestStores;
use reqwest::{Method, StatusCode};
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
