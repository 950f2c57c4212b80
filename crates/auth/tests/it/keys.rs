//! Keys that sign, keys that are about to, and keys that only verify.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use auth::{Auth, Rotation};
use proto::types::Nothing;
use serde_json::Value;

use crate::hostel::{ADMIN, Hostel, config};

/// Nothing here takes longer, also on a slow machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Rotates as the operator's command does: as another process on the same database.
async fn rotate(hostel: &Hostel) -> Result<Rotation, auth::Error> {
    let (other, _db) = hostel.world.host.create_with::<Auth>(config()).await.unwrap();
    other.rotate_keys().await
}

async fn published(hostel: &Hostel) -> HashSet<String> {
    let jwks = hostel.tokens().jwks(Nothing {}).await.unwrap().into_inner().jwks;
    let set: Value = serde_json::from_str(&jwks).unwrap();
    let id = |key: &Value| key["kid"].as_str().unwrap().to_owned();
    set["keys"].as_array().unwrap().iter().map(id).collect()
}

/// Waits until the running service has read a key.
async fn until_published(hostel: &Hostel, key: &str) {
    let end = Instant::now() + PATIENCE;
    while !published(hostel).await.contains(key) {
        assert!(Instant::now() < end, "{key} was never published");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn key_of(token: &str) -> String {
    jsonwebtoken::decode_header(token).unwrap().kid.unwrap()
}

#[tokio::test]
async fn a_new_key_is_published_then_signs_and_nobody_is_signed_out() {
    let hostel = Hostel::open().await;
    let before = hostel.login(ADMIN).await;
    let first = key_of(&before);
    let rotation = rotate(&hostel).await.unwrap();
    until_published(&hostel, &rotation.key_id).await;
    let both = HashSet::from([rotation.key_id.clone(), first.clone()]);
    assert_eq!(published(&hostel).await, both);
    // Published, it does not sign yet.
    let wait = rotation.signs_from - hostel.world.clock.now();
    hostel.world.clock.advance(wait - chrono::Duration::seconds(1));
    let between = hostel.login(ADMIN).await;
    assert_eq!(key_of(&between), first);
    hostel.world.clock.advance(chrono::Duration::seconds(1));
    let after = hostel.login(ADMIN).await;
    assert_eq!(key_of(&after), rotation.key_id);
    for token in [&before, &between, &after] {
        assert!(hostel.me(token).await.is_ok());
    }
    // The last of the old key's tokens lives 15 minutes, and clocks differ.
    hostel.world.clock.advance(chrono::Duration::minutes(16));
    assert_eq!(published(&hostel).await, HashSet::from([rotation.key_id.clone()]));

    let events = hostel.events("signing_key.rotated").await;
    assert_eq!((events.len(), &events[0]["version"]), (1, &1.into()));
    assert_eq!(events[0]["data"]["key_id"], rotation.key_id);
}

#[tokio::test]
async fn of_several_rotations_at_once_one_key_signs_next() {
    let hostel = Hostel::open().await;
    let before = hostel.login(ADMIN).await;
    let outcomes = futures_util::future::join_all((0..5).map(|_| rotate(&hostel))).await;
    let made: Vec<_> = outcomes.into_iter().filter_map(Result::ok).collect();
    assert!(!made.is_empty());
    assert_eq!(hostel.count("signing_key WHERE is_signing").await, 1);
    for rotation in &made {
        until_published(&hostel, &rotation.key_id).await;
    }
    assert!(hostel.me(&before).await.is_ok());
    hostel.world.clock.advance(chrono::Duration::seconds(15));
    let after = hostel.login(ADMIN).await;
    assert!(made.iter().any(|rotation| rotation.key_id == key_of(&after)));
    assert!(hostel.me(&after).await.is_ok());
}

#[tokio::test]
async fn rotated_keys_are_there_after_a_restart() {
    let hostel = Hostel::open().await;
    let before = hostel.login(ADMIN).await;
    let rotation = rotate(&hostel).await.unwrap();
    let stores = hostel.world.stop().await;
    let world = kit::testing::World::on::<Auth>(stores, config()).await;
    let hostel = Hostel { world };
    assert!(hostel.me(&before).await.is_ok());
    hostel.world.clock.advance(chrono::Duration::seconds(15));
    assert_eq!(key_of(&hostel.login(ADMIN).await), rotation.key_id);
}
