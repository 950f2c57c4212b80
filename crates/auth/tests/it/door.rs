//! What is remembered of sign-ins, and what it changes at the door.

use auth::{Auth, Config};
use chrono::Duration;
use kit::testing::{World, patiently};
use proto::options::Role;
use serde_json::Value;
use tonic::Code;

use crate::{
    hostel::{ADMIN, Hostel, PASSWORD, code, config},
    people::{DESK, Device, FIREFOX, PHONE},
};

const WRONG: &str = "Wrong#2026x";

async fn hostel_with(config: Config) -> Hostel {
    Hostel {
        world: World::start_with::<Auth>(config).await,
    }
}

#[tokio::test]
async fn every_failure_is_an_event_that_names_no_password_and_no_unknown_name() {
    let hostel = Hostel::open().await;
    let admin = hostel.sign_in(ADMIN).await;
    let id = admin.user.as_ref().unwrap().id.clone();
    let guard = hostel
        .create(admin.access_token(), "guard@hostel.example", Role::Guard)
        .await;
    hostel.deactivate(admin.access_token(), &guard.id).await.unwrap();
    for identifier in [ADMIN, ADMIN, "nobody@hostel.example", "guard@hostel.example"] {
        let refused = hostel.try_login_on(DESK, identifier, WRONG).await;
        assert_eq!(code(refused).1, "INVALID_CREDENTIALS");
    }
    let events = hostel.events("user.sign_in_failed").await;
    let told: Vec<_> = events
        .iter()
        .map(|event| {
            let data = &event["data"];
            (data["user_id"].clone(), data["why"].clone(), data["failures"].clone())
        })
        .collect();
    assert_eq!(
        told,
        [
            (id.clone().into(), "password".into(), 1.into()),
            (id.clone().into(), "password".into(), 2.into()),
            (Value::Null, "password".into(), 0.into()),
            (guard.id.into(), "deactivated".into(), 1.into()),
        ]
    );
    assert_eq!(events[0]["actor"]["ip"], DESK.1);
    let all = serde_json::to_string(&events).unwrap();
    assert!(!all.contains(WRONG) && !all.contains("nobody@"), "{all}");
    // A good sign-in ends the row.
    hostel.login(ADMIN).await;
    let _ = hostel.try_login(ADMIN, WRONG).await.unwrap_err();
    let last = hostel.events("user.sign_in_failed").await.pop().unwrap();
    assert_eq!(last["data"]["failures"], 1);
}

#[tokio::test]
async fn many_failures_lock_out_unknown_devices_for_a_while() {
    let hostel = hostel_with(Config {
        lock_after_failures: 5,
        ..config()
    })
    .await;
    hostel.try_login_on(DESK, ADMIN, PASSWORD).await.unwrap();
    for _ in 0..7 {
        let refused = hostel.try_login_on(PHONE, ADMIN, WRONG).await;
        assert_eq!(code(refused).1, "INVALID_CREDENTIALS");
    }
    let locked = hostel.events("user.locked").await;
    assert_eq!(locked.len(), 1, "{locked:?}");
    let wrong = hostel.try_login_on(PHONE, ADMIN, WRONG).await.unwrap_err();
    let right = hostel.try_login_on(PHONE, ADMIN, PASSWORD).await.unwrap_err();
    assert_eq!(wrong, right, "the answer does not tell that the password was right");
    let last = hostel.events("user.sign_in_failed").await.pop().unwrap();
    assert_eq!(last["data"]["why"], "locked");
    // A neighbour of the known device is known; the same program elsewhere is not.
    let elsewhere = Device(FIREFOX, "192.0.2.1");
    assert!(hostel.try_login_on(elsewhere, ADMIN, PASSWORD).await.is_err());
    let neighbour = Device(FIREFOX, "203.0.113.99");
    assert!(hostel.try_login_on(neighbour, ADMIN, PASSWORD).await.is_ok());
    // That ended the row of failures, and with it the lock.
    assert!(hostel.try_login_on(PHONE, ADMIN, PASSWORD).await.is_ok());
}

#[tokio::test]
async fn a_lock_ends_by_itself_and_can_be_switched_off() {
    let hostel = hostel_with(Config {
        lock_after_failures: 2,
        lock_minutes: 15,
        ..config()
    })
    .await;
    for _ in 0..2 {
        let _ = hostel.try_login_on(PHONE, ADMIN, WRONG).await.unwrap_err();
    }
    hostel.world.clock.advance(Duration::minutes(15) - Duration::seconds(1));
    assert!(hostel.try_login_on(PHONE, ADMIN, PASSWORD).await.is_err());
    hostel.world.clock.advance(Duration::seconds(1));
    assert!(hostel.try_login_on(PHONE, ADMIN, PASSWORD).await.is_ok());

    let open = hostel_with(Config {
        lock_after_failures: 0,
        ..config()
    })
    .await;
    for _ in 0..10 {
        let _ = open.try_login(ADMIN, WRONG).await.unwrap_err();
    }
    assert!(open.try_login(ADMIN, PASSWORD).await.is_ok());
    assert_eq!(open.events("user.locked").await.len(), 0);
}

#[tokio::test]
async fn failures_at_the_same_moment_are_all_counted_and_lock_once() {
    let hostel = hostel_with(Config {
        lock_after_failures: 10,
        ..config()
    })
    .await;
    let tries = (0..30).map(|_| patiently(async || hostel.try_login_on(PHONE, ADMIN, WRONG).await));
    for refused in futures_util::future::join_all(tries).await {
        assert_eq!(code(refused).1, "INVALID_CREDENTIALS");
    }
    let mut counted: Vec<_> = hostel
        .events("user.sign_in_failed")
        .await
        .iter()
        .map(|event| event["data"]["failures"].as_u64().unwrap())
        .collect();
    counted.sort_unstable();
    assert_eq!(counted, (1..=30).collect::<Vec<_>>());
    assert_eq!(hostel.events("user.locked").await.len(), 1);
}

#[tokio::test]
async fn a_device_is_new_once_and_never_at_the_first_sign_in() {
    let hostel = Hostel::open().await;
    for device in [DESK, DESK, PHONE, DESK, PHONE] {
        hostel.try_login_on(device, ADMIN, PASSWORD).await.unwrap();
    }
    let told: Vec<_> = hostel
        .events("user.signed_in")
        .await
        .into_iter()
        .map(|event| {
            let data = &event["data"];
            let device = data["device"].as_str().unwrap().to_owned();
            assert_eq!(data["with_second_factor"], false);
            (data["is_new_device"].as_bool().unwrap(), device)
        })
        .collect();
    let (desk, phone) = ("Firefox on Linux".to_owned(), "an app (okhttp)".to_owned());
    assert_eq!(
        told,
        [
            (false, desk.clone()),
            (false, desk.clone()),
            (true, phone.clone()),
            (false, desk),
            (false, phone),
        ]
    );
}

#[tokio::test]
async fn an_old_password_of_a_warden_must_be_set_anew_where_that_is_wanted() {
    let hostel = hostel_with(Config {
        warden_password_days: Some(90),
        ..config()
    })
    .await;
    let admin = hostel.login(ADMIN).await;
    hostel.create(&admin, "warden@hostel.example", Role::Warden).await;
    hostel.world.clock.advance(Duration::days(90));
    hostel.login("warden@hostel.example").await;
    hostel.world.clock.advance(Duration::seconds(1));
    let expired = hostel.try_login("warden@hostel.example", PASSWORD).await;
    assert_eq!(code(expired), (Code::FailedPrecondition, "PASSWORD_EXPIRED".to_owned()));
    let wrong = hostel.try_login("warden@hostel.example", WRONG).await;
    assert_eq!(code(wrong).1, "INVALID_CREDENTIALS", "only the right password is told");
    hostel.login(ADMIN).await;
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    use kit::service::Service as _;
    let bend = |change: fn(&mut Config)| {
        let mut bent = config();
        change(&mut bent);
        Auth::check(&bent).unwrap_err().to_string()
    };
    assert!(bend(|config| config.session_idle_days = Some(0)).contains("auth.session_idle_days must be 1 to 365"));
    assert!(bend(|config| config.lock_minutes = 0).contains("auth.lock_minutes must be"));
    assert!(bend(|config| config.warden_password_days = Some(0)).contains("auth.warden_password_days"));
    assert!(bend(|config| config.lock_after_failures = 100_001).contains("auth.lock_after_failures"));
}
