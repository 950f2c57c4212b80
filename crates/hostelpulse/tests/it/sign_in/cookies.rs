//! A page that keeps its session in a cookie.

use kit::testing::TestStores;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use super::PASSWORD;
use crate::binary::Running;

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
