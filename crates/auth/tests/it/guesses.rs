//! Guessing: every wrong proof is counted and told, and comes to an end.

use auth::{Auth, Config};
use chrono::Duration;
use kit::testing::World;
use serde_json::Value;
use tonic::Code;

use crate::{
    hostel::{ADMIN, Hostel, PASSWORD, code, config},
    mails::{until, wrong},
    people::{DESK, Device, FIREFOX, PHONE},
};

const NEXT: &str = "Copper#41kettle";
const WRONG: &str = "Wrong#2026x";

/// What was wrong, and how often in a row, of every failure.
async fn failures(hostel: &Hostel) -> Vec<(String, u64)> {
    let told = |event: Value| {
        let data = &event["data"];
        (
            data["why"].as_str().unwrap().to_owned(),
            data["failures"].as_u64().unwrap(),
        )
    };
    hostel
        .events("user.sign_in_failed")
        .await
        .into_iter()
        .map(told)
        .collect()
}

fn told(why: &str, count: u64) -> (String, u64) {
    (why.to_owned(), count)
}

#[tokio::test]
async fn wrong_proofs_of_somebody_who_is_signed_in_count_and_are_told() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    assert_eq!(code(hostel.set_up(&admin, WRONG, None).await).1, "WRONG_PASSWORD");
    assert_eq!(
        code(hostel.change_password(&admin, WRONG, NEXT).await).1,
        "WRONG_PASSWORD"
    );
    let (phone, _) = hostel.with_phone(&admin).await;
    let odd = phone.wrong_code(&hostel);
    assert_eq!(code(hostel.disable(&admin, &odd).await).1, "MFA_CODE_INVALID");
    hostel
        .set_up(&admin, PASSWORD, Some(&phone.code(&hostel)))
        .await
        .unwrap();
    assert_eq!(code(hostel.confirm(&admin, &odd).await).1, "MFA_CODE_INVALID");
    assert_eq!(
        failures(&hostel).await,
        [
            told("password", 1),
            told("password", 2),
            told("second_factor", 3),
            told("second_factor", 4)
        ]
    );
}

#[tokio::test]
async fn wrong_one_time_codes_are_told_and_right_ones_cost_nothing() {
    let hostel = Hostel::open().await;
    let other = Device(FIREFOX, "192.0.2.1");
    hostel.forgot(ADMIN).await;
    let otp = hostel.mailed_code(ADMIN, 1).await;
    // Nobody, and nothing that could be guessed at.
    for name in ["nobody@hostel.example", "REG-404"] {
        assert_eq!(code(hostel.reset(name, &otp, NEXT).await).1, "OTP_INVALID");
    }
    for _ in 0..2 {
        assert_eq!(code(hostel.reset(ADMIN, &wrong(&otp), NEXT).await).1, "OTP_INVALID");
    }
    let refused = hostel.reset(ADMIN, &otp, PASSWORD).await.unwrap_err();
    assert_eq!(refused.reason, "VALIDATION_ERROR");
    let left = "SELECT CAST(tries_left AS text) AS text FROM one_time_code";
    assert_eq!(hostel.rows(left).await, ["3"]);
    assert_eq!(failures(&hostel).await, [told("code", 1), told("code", 2)]);
    hostel.reset(ADMIN, &otp, NEXT).await.unwrap();
    hostel.try_login_on(other, ADMIN, NEXT).await.unwrap();
}

#[tokio::test]
async fn after_twenty_wrong_codes_none_is_looked_at_until_the_day_is_over() {
    let hostel = Hostel::open().await;
    for number in 1..=4 {
        hostel.forgot(ADMIN).await;
        let otp = hostel.mailed_code(ADMIN, number).await;
        hostel.no_letter_waits().await;
        let tries = (0..5).map(|_| async { hostel.reset(ADMIN, &wrong(&otp), NEXT).await });
        for answer in futures_util::future::join_all(tries).await {
            assert_eq!(code(answer).1, "OTP_INVALID");
        }
    }
    assert_eq!(failures(&hostel).await.len(), 20);
    hostel.forgot(ADMIN).await;
    let right = hostel.mailed_code(ADMIN, 5).await;
    hostel.no_letter_waits().await;
    assert_eq!(code(hostel.reset(ADMIN, &right, NEXT).await).1, "OTP_INVALID");
    hostel.world.clock.advance(Duration::hours(23));
    hostel.forgot(ADMIN).await;
    let right = hostel.mailed_code(ADMIN, 6).await;
    hostel.no_letter_waits().await;
    assert_eq!(code(hostel.reset(ADMIN, &right, NEXT).await).1, "OTP_INVALID");
    assert_eq!(failures(&hostel).await.len(), 20, "nothing was guessed");
    hostel.world.clock.advance(Duration::hours(1));
    hostel.forgot(ADMIN).await;
    let right = hostel.mailed_code(ADMIN, 7).await;
    hostel.reset(ADMIN, &right, NEXT).await.unwrap();
}

/// Takes the only place in the queue of those who hash, with hashes of some seconds each, until dropped.
async fn crowd(hostel: &Hostel) {
    loop {
        let refused = hostel.try_login("nobody@hostel.example", WRONG).await.unwrap_err();
        // Was somebody else quicker? Then it comes again, as it does when its time is over.
        assert!(matches!(refused.kind.grpc(), Code::Unavailable | Code::Unauthenticated));
    }
}

/// Whether somebody who wants a hash is asked to come back; whoever is not leaves at once, and with that the place is free.
async fn is_busy(hostel: &Hostel) -> bool {
    let asked = hostel.try_login("somebody@hostel.example", WRONG);
    let answer = tokio::time::timeout(std::time::Duration::from_millis(50), asked).await;
    answer.is_ok_and(|answer| code(answer).0 == Code::Unavailable)
}

#[tokio::test]
async fn overload_spends_no_code() {
    let config = Config {
        bcrypt_cost: 16,
        hashing_threads: 1,
        hashing_queue: 1,
        hashing_wait_seconds: 600,
        ..config()
    };
    // The administrator's own password is hashed at a lower cost.
    let stores = Hostel::open().await.world.stop().await;
    let hostel = Hostel {
        world: World::on::<Auth>(stores, config).await,
    };
    hostel.forgot(ADMIN).await;
    let otp = hostel.mailed_code(ADMIN, 1).await;
    let guessing = async {
        until("the only place is taken", async || is_busy(&hostel).await.then_some(())).await;
        for _ in 0..6 {
            let busy = hostel.reset(ADMIN, &otp, NEXT).await.unwrap_err();
            assert_eq!(busy.kind.grpc(), Code::Unavailable);
        }
    };
    tokio::select! {
        () = crowd(&hostel) => {}
        () = guessing => {}
    }
    let left = "SELECT CAST(tries_left AS text) AS text FROM one_time_code";
    assert_eq!(hostel.rows(left).await, ["5"]);
}

#[tokio::test]
async fn who_leaves_before_the_answer_spends_no_code() {
    let hostel = Hostel::open_with(Config {
        bcrypt_cost: 12,
        ..config()
    })
    .await;
    hostel.forgot(ADMIN).await;
    let otp = hostel.mailed_code(ADMIN, 1).await;
    for _ in 0..6 {
        let given_up = tokio::time::timeout(std::time::Duration::from_millis(60), hostel.reset(ADMIN, &otp, NEXT));
        assert!(given_up.await.is_err(), "hashing takes longer");
    }
    let left = "SELECT CAST(tries_left AS text) AS text FROM one_time_code";
    assert_eq!(hostel.rows(left).await, ["5"]);
}

#[tokio::test]
async fn a_known_device_that_guesses_during_a_lock_is_known_no_more() {
    let hostel = Hostel::open_with(Config {
        lock_after_failures: 5,
        ..config()
    })
    .await;
    let lock = async || {
        for _ in 0..5 {
            assert!(hostel.try_login_on(PHONE, ADMIN, WRONG).await.is_err());
        }
    };
    hostel.try_login_on(DESK, ADMIN, PASSWORD).await.unwrap();
    // A slip of the owner is forgiven, each time anew.
    for _ in 0..2 {
        lock().await;
        for _ in 0..2 {
            assert!(hostel.try_login_on(DESK, ADMIN, WRONG).await.is_err());
        }
        hostel.try_login_on(DESK, ADMIN, PASSWORD).await.unwrap();
    }
    // A neighbour who calls themselves the same is out after a few guesses.
    lock().await;
    let neighbour = Device(FIREFOX, "203.0.113.99");
    for _ in 0..3 {
        assert!(hostel.try_login_on(neighbour, ADMIN, WRONG).await.is_err());
    }
    for device in [neighbour, DESK] {
        let refused = hostel.try_login_on(device, ADMIN, PASSWORD).await;
        assert_eq!(code(refused).1, "INVALID_CREDENTIALS");
    }
    hostel.world.clock.advance(Duration::minutes(15));
    hostel.try_login_on(DESK, ADMIN, PASSWORD).await.unwrap();
}
