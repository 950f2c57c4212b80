//! Forged and misplaced tokens, with and without a secret for HS256.

use kit::{
    access::{Secrets, ServiceSecret, ServiceTokens, TokenSecret},
    fault::Kind,
    testing::forged_tokens,
};
use proto::options::Role;

use super::Door;

fn token_secret() -> TokenSecret {
    TokenSecret::new("a secret of thirty-two bytes, or more".into()).unwrap()
}

/// A door where people's tokens may also be signed by HS256.
fn with_secret() -> Door {
    let service = ServiceSecret::random();
    let token = Some(token_secret());
    Door::with(
        Secrets {
            service: service.clone(),
            token,
        },
        service,
    )
}

#[tokio::test]
async fn forged_tokens_are_refused() {
    for door in [Door::new(), with_secret()] {
        let _following = door.follow();
        assert_eq!(door.verdict(&door.keys.token(Role::Admin)).await, Ok(()));
        for (what, token) in forged_tokens(&door.keys, &door.clock) {
            assert_eq!(door.verdict(&token).await, Err(Kind::Unauthenticated), "{what}");
        }
        let megabyte = format!("{}{}", door.keys.token(Role::Admin), "x".repeat(1 << 20));
        assert_eq!(door.verdict(&megabyte).await, Err(Kind::Unauthenticated));
        let service = ServiceTokens::new("gateway", door.secret.clone(), door.clock.clone());
        let service = service.token().unwrap();
        assert_eq!(door.verdict(&service).await, Err(Kind::Unauthenticated));
    }
}

#[tokio::test]
async fn hs256_is_accepted_under_its_id_where_a_secret_is_configured() {
    let door = with_secret();
    let _following = door.follow();
    let claims = door.keys.claims(door.clock.new_id(), Role::Warden);
    let token = token_secret().sign(&claims).unwrap();
    assert_eq!(door.verdict(&token).await, Ok(()));
    // Those of before the change hold on.
    assert_eq!(door.verdict(&door.keys.token(Role::Warden)).await, Ok(()));
    let other = TokenSecret::new("another secret of thirty-two bytes".into()).unwrap();
    let forged = other.sign(&claims).unwrap();
    assert_eq!(door.verdict(&forged).await, Err(Kind::Unauthenticated));
    // The same rules hold for it.
    door.keys.end(claims.sid);
    door.refused(&token).await;
}

#[tokio::test]
async fn hs256_is_refused_where_no_secret_is_configured() {
    let door = Door::new();
    let _following = door.follow();
    let claims = door.keys.claims(door.clock.new_id(), Role::Admin);
    let token = token_secret().sign(&claims).unwrap();
    assert_eq!(door.verdict(&token).await, Err(Kind::Unauthenticated));
}

#[test]
fn a_secret_must_be_long() {
    assert_eq!(
        TokenSecret::new("short".into()).err().unwrap(),
        "must be at least 32 bytes, it has 5"
    );
}
