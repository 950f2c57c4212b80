//! What nobody gets in with: forged tokens, odd input.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use kit::{Clock, testing::TestStores};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{NEW_PASSWORD, PASSWORD, code, post, sign_in, try_login};
use crate::binary::Running;

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
