//! Tokens that were made by nobody who may.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::Duration;
use kit::testing::Keys;
use proto::{auth::MeRequest, options::Role};
use serde_json::{Value, json};
use tonic::{Code, Request, metadata::AsciiMetadataValue};

use crate::hostel::{ADMIN, Hostel, code};

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn read(part: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn forged_tokens_are_refused() {
    let hostel = Hostel::open().await;
    let good = hostel.login(ADMIN).await;
    let [header, claims, signature] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let with_header = |change: Value| {
        let mut changed = read(header);
        changed
            .as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        format!("{}.{claims}.{signature}", part(&changed))
    };
    let with_claim = |change: Value| {
        let mut changed = read(claims);
        changed
            .as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        format!("{header}.{}.{signature}", part(&changed))
    };
    let jwks = hostel
        .tokens()
        .jwks(proto::types::Nothing {})
        .await
        .unwrap()
        .into_inner()
        .jwks;
    let forged = [
        format!("{}.{claims}.", part(&json!({"alg": "none", "typ": "at+jwt"}))),
        with_header(json!({"alg": "none"})),
        with_header(json!({"alg": "HS256"})),
        with_header(json!({"kid": "../../etc/passwd"})),
        with_header(json!({"kid": "' OR '1'='1"})),
        with_header(json!({"kid": null})),
        with_header(json!({"typ": "svc+jwt"})),
        with_header(json!({"typ": "JWT"})),
        with_header(json!({"jku": "https://evil.example/keys", "kid": "x"})),
        with_header(json!({"jwk": serde_json::from_str::<Value>(&jwks).unwrap()["keys"][0], "kid": "x"})),
        with_claim(json!({"role": "student"})),
        with_claim(json!({"exp": 9_999_999_999_i64})),
        with_claim(json!({"sub": "00000000-0000-7000-8000-000000000000"})),
        hs256_signed_with_the_public_key(claims, &jwks),
        format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode([0; 64])),
        format!("{header}.{claims}"),
        format!("{good}.{good}"),
        format!("{good}x"),
        "x".repeat(1_000),
        "..".to_owned(),
        String::new(),
    ];
    for token in forged {
        assert_eq!(code(hostel.me(&token).await).0, Code::Unauthenticated, "{token}");
    }
    assert!(hostel.me(&good).await.is_ok());
}

/// The classic: the public key taken for a shared secret.
fn hs256_signed_with_the_public_key(claims: &str, jwks: &str) -> String {
    let jwk = &serde_json::from_str::<Value>(jwks).unwrap()["keys"][0];
    let secret = URL_SAFE_NO_PAD.decode(jwk["x"].as_str().unwrap()).unwrap();
    let header = jsonwebtoken::Header {
        typ: Some("at+jwt".to_owned()),
        kid: Some(jwk["kid"].as_str().unwrap().to_owned()),
        ..jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256)
    };
    jsonwebtoken::encode(&header, &read(claims), &jsonwebtoken::EncodingKey::from_secret(&secret)).unwrap()
}

#[tokio::test]
async fn a_token_of_another_installation_is_refused() {
    let hostel = Hostel::open().await;
    let elsewhere = Keys::new(hostel.world.clock.clone());
    assert_eq!(
        code(hostel.me(&elsewhere.token(Role::Admin)).await).0,
        Code::Unauthenticated
    );
}

#[tokio::test]
async fn a_token_ends() {
    let hostel = Hostel::open().await;
    let token = hostel.login(ADMIN).await;
    hostel.world.clock.advance(Duration::seconds(899));
    assert!(hostel.me(&token).await.is_ok());
    hostel.world.clock.advance(Duration::seconds(1));
    assert_eq!(code(hostel.me(&token).await).0, Code::Unauthenticated);
}

#[tokio::test]
async fn a_refresh_token_is_no_access_token() {
    let hostel = Hostel::open().await;
    let refresh = hostel
        .try_login(ADMIN, crate::hostel::PASSWORD)
        .await
        .unwrap()
        .refresh_token()
        .to_owned();
    assert_eq!(code(hostel.me(&refresh).await).0, Code::Unauthenticated);
}

#[tokio::test]
async fn another_scheme_than_bearer_is_refused() {
    let hostel = Hostel::open().await;
    let mut request = Request::new(MeRequest {});
    request.metadata_mut().insert(
        "authorization",
        AsciiMetadataValue::from_static("Basic YWRtaW46YWRtaW4="),
    );
    let status = hostel.auth().me(request).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    assert!(status.message().contains("Bearer"), "{}", status.message());
}
