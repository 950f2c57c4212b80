//! Tokens that must open nothing, whoever verifies them.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use chrono::Duration;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use proto::options::Role;
use serde_json::{Value, json};

use super::Keys;
use crate::{
    Clock,
    access::{ACCESS_TOKEN_TYPE, Claims, HS256_KID, ServiceSecret, ServiceTokens},
};

/// What stands before the 32 bytes of an Ed25519 key where it is written down as PEM (RFC 8410).
const PEM_HEAD: &str = "302a300506032b6570032100";

/// Forged and misplaced tokens, each with what is wrong with it. All of an administrator, and good but for that one thing.
pub fn forged_tokens(keys: &Keys, clock: &Clock) -> Vec<(&'static str, String)> {
    let claims = keys.claims(clock.new_id(), Role::Admin);
    let mut all = misplaced(keys, clock, &claims);
    all.extend(signed_by_others(keys, clock, &claims));
    all.extend(with_headers(keys, &claims));
    all.extend(with_claims(keys, &claims));
    all
}

/// What is no access token at all.
fn misplaced(keys: &Keys, clock: &Clock, claims: &Claims) -> Vec<(&'static str, String)> {
    let good = keys.sign(claims);
    let service = ServiceTokens::new("gateway", ServiceSecret::random(), clock.clone());
    vec![
        ("a refresh token", URL_SAFE_NO_PAD.encode([7; 32])),
        (
            "a service token of elsewhere",
            service.token().expect("a service token").to_string(),
        ),
        ("two dots", "..".to_owned()),
        ("two tokens", format!("{good}.{good}")),
        ("a token and more", format!("{good}x")),
        ("no signature", good.rsplit_once('.').expect("three parts").0.to_owned()),
        ("too long for a token", format!("{good}{}", "x".repeat(20_000))),
        ("an API key that nobody made", "hpk_0123456789abcdef".to_owned()),
    ]
}

/// Signed with what everybody can read, or by somebody else.
fn signed_by_others(keys: &Keys, clock: &Clock, claims: &Claims) -> Vec<(&'static str, String)> {
    let hs256 = |kid: &str, secret: &[u8]| {
        let header = Header {
            typ: Some(ACCESS_TOKEN_TYPE.to_owned()),
            kid: Some(kid.to_owned()),
            ..Header::new(Algorithm::HS256)
        };
        jsonwebtoken::encode(&header, claims, &EncodingKey::from_secret(secret)).expect("claims can be signed")
    };
    let (jwk, public) = (keys.jwk(), keys.public());
    let kid = jwk["kid"].as_str().expect("a key id");
    let x = jwk["x"].as_str().expect("a public key");
    let der = [hex::decode(PEM_HEAD).expect("hexadecimal"), public.to_vec()].concat();
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        STANDARD.encode(&der)
    );
    let unsigned = |alg: &str| {
        let mut header = Keys::header();
        header["alg"] = json!(alg);
        let claims = serde_json::to_string(claims).expect("claims are JSON");
        format!(
            "{}.{}.",
            URL_SAFE_NO_PAD.encode(header.to_string()),
            URL_SAFE_NO_PAD.encode(claims)
        )
    };
    vec![
        ("alg none", unsigned("none")),
        ("alg None", unsigned("None")),
        ("an empty signature", unsigned("EdDSA")),
        ("HS256 with the bytes of the public key", hs256(kid, &public)),
        ("HS256 with the x of the public key", hs256(kid, x.as_bytes())),
        ("HS256 with the DER of the public key", hs256(kid, &der)),
        ("HS256 with the PEM of the public key", hs256(kid, pem.as_bytes())),
        ("HS256 with the JWK", hs256(kid, jwk.to_string().as_bytes())),
        ("HS256 with an empty secret", hs256(HS256_KID, b"")),
        ("HS256 with the public key under its own id", hs256(HS256_KID, &public)),
        ("HS256 with an id that nobody knows", hs256("hs256 ", &public)),
        ("the key of another installation", Keys::new(clock.clone()).sign(claims)),
    ]
}

/// Well signed, under a header that points elsewhere.
fn with_headers(keys: &Keys, claims: &Claims) -> Vec<(&'static str, String)> {
    let claims = serde_json::to_string(claims).expect("claims are JSON");
    let strange = Keys::new(Clock::system());
    let headed = |by: &Keys, change: Value| by.sign_text(&with(Keys::header(), change).to_string(), &claims);
    let double = r#"{"typ":"at+jwt","alg":"EdDSA","kid":"other","kid":"test-key"}"#;
    vec![
        ("another key id", headed(keys, json!({"kid": "other"}))),
        ("no key id", headed(keys, json!({"kid": null}))),
        ("a path as key id", headed(keys, json!({"kid": "../../etc/passwd"}))),
        ("SQL as key id", headed(keys, json!({"kid": "' OR '1'='1"}))),
        ("the id of the secret", headed(keys, json!({"kid": HS256_KID}))),
        ("another algorithm", headed(keys, json!({"alg": "RS256"}))),
        ("HS256 said of it", headed(keys, json!({"alg": "HS256"}))),
        ("a service token's type", headed(keys, json!({"typ": "svc+jwt"}))),
        ("the type of any token", headed(keys, json!({"typ": "JWT"}))),
        ("no type", headed(keys, json!({"typ": null}))),
        ("two key ids", keys.sign_text(double, &claims)),
        (
            "a key set of one's own",
            headed(&strange, json!({"jku": "https://evil.example/keys"})),
        ),
        ("a key of one's own", headed(&strange, json!({"jwk": strange.jwk()}))),
        (
            "a certificate of one's own",
            headed(&strange, json!({"x5u": "https://evil.example/x509"})),
        ),
    ]
}

/// Well signed, and not for us, or not now.
fn with_claims(keys: &Keys, claims: &Claims) -> Vec<(&'static str, String)> {
    let value = serde_json::to_value(claims).expect("claims are JSON");
    let claimed = |change: Value| keys.sign_text(&Keys::header().to_string(), &with(value.clone(), change).to_string());
    let hour = Duration::hours(1).num_seconds();
    let text = value.to_string();
    let double = text.replacen('{', r#"{"role":"student","#, 1);
    vec![
        ("another issuer", claimed(json!({"iss": "elsewhere"}))),
        ("no issuer", claimed(json!({"iss": null}))),
        ("another audience", claimed(json!({"aud": "hostelpulse-services"}))),
        ("several audiences, none ours", claimed(json!({"aud": ["a", "b"]}))),
        ("it has ended", claimed(json!({"exp": claims.iat - 1}))),
        ("it never ends", claimed(json!({"exp": null}))),
        (
            "it holds for more than an hour",
            claimed(json!({"exp": claims.iat + hour + 31})),
        ),
        ("it holds for years", claimed(json!({"exp": i64::MAX, "iat": i64::MIN}))),
        (
            "it was made later",
            claimed(json!({"iat": claims.iat + hour, "exp": claims.iat + 2 * hour})),
        ),
        ("it holds later", claimed(json!({"nbf": claims.iat + hour}))),
        ("a role that nobody has", claimed(json!({"role": "god"}))),
        ("no session", claimed(json!({"sid": null}))),
        ("a user who is no id", claimed(json!({"sub": "admin"}))),
        ("a claim twice", keys.sign_text(&Keys::header().to_string(), &double)),
        ("no claims", keys.sign_text(&Keys::header().to_string(), "{}")),
        (
            "claims that are no object",
            keys.sign_text(&Keys::header().to_string(), "7"),
        ),
    ]
}

/// An object with some of its fields changed; null takes a field away.
fn with(mut object: Value, change: Value) -> Value {
    if let (Value::Object(fields), Value::Object(change)) = (&mut object, change) {
        for (name, value) in change {
            if value.is_null() {
                fields.remove(&name);
            } else {
                fields.insert(name, value);
            }
        }
    }
    object
}
