//! What happens to a sign-in that is under way while the account changes, or something fails.

use auth::{Auth, Config};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::future::join_all;
use kit::{Fault, testing::World};
use proto::{auth::SignInOutcome, options::Role};
use serde_json::Value;

use crate::{
    hostel::{ADMIN, Hostel, PASSWORD, code, config},
    people::{DESK, PHONE},
};

const GUARD: &str = "guard@hostel.example";
const NEXT: &str = "Copper#41kettle";

/// Where hashing is so slow that a sign-in is under way for a while, and one waits for the other.
async fn slow_hostel() -> Hostel {
    Hostel::open_with(Config {
        bcrypt_cost: 9,
        hashing_threads: 1,
        ..config()
    })
    .await
}

fn claim(token: &str, name: &str) -> Value {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice::<Value>(&payload).unwrap()[name].clone()
}

#[tokio::test]
async fn nobody_goes_on_with_a_role_that_ended_while_they_signed_in() {
    let hostel = slow_hostel().await;
    let admin = hostel.login(ADMIN).await;
    let user = hostel.create(&admin, "warden@hostel.example", Role::Warden).await;
    let logins = join_all((0..8).map(|_| hostel.try_login("warden@hostel.example", PASSWORD)));
    let demote = async {
        // Behind the first of the sign-ins, before the last.
        crate::mails::until("a sign-in", async || (hostel.count("session").await > 1).then_some(())).await;
        // So many sign-ins at once may each be quicker; whoever is told so tries again.
        crate::mails::until("a change of role", async || {
            match hostel.change_role(&admin, &user.id, Role::Student).await {
                Err(fault) if fault.reason == "CONFLICT" => None,
                changed => Some(changed),
            }
        })
        .await
    };
    let (signed_in, changed) = tokio::join!(logins, demote);
    changed.unwrap();
    let mut going_on = 0;
    for answer in signed_in.into_iter().flatten() {
        let token = answer.access_token();
        if hostel.me(token).await.is_ok() {
            going_on += 1;
            assert_eq!(claim(token, "role"), "student");
            assert_eq!(answer.user.as_ref().unwrap().role(), Role::Student);
        }
    }
    assert!(going_on > 0, "the role of a sign-in does not keep anybody out");
}

/// A change of password between many sign-ins; how those went that were looked at after it, with what was found before it.
async fn sign_in_behind_a_change(hostel: &Hostel, token: &str, table: &str) -> Vec<Result<SignInOutcome, Fault>> {
    let before = hostel.count(table).await;
    let after = async |number| {
        crate::mails::until("a sign-in", async || {
            (hostel.count(table).await >= before + number).then_some(())
        })
        .await;
    };
    // One turn for all, first come, first served.
    let first = join_all((0..10).map(|_| hostel.try_login(ADMIN, PASSWORD)));
    let change = async {
        after(1).await;
        hostel.change_password(token, PASSWORD, NEXT).await.unwrap();
    };
    let second = async {
        after(5).await;
        join_all((0..4).map(|_| hostel.try_login(ADMIN, PASSWORD))).await
    };
    let (first, (), second) = tokio::join!(first, change, second);
    assert!(first.iter().any(Result::is_ok), "{first:?}");
    second
}

#[tokio::test]
async fn nobody_goes_on_with_a_password_that_was_replaced_while_they_signed_in() {
    let hostel = slow_hostel().await;
    let token = hostel.login(ADMIN).await;
    for late in sign_in_behind_a_change(&hostel, &token, "session").await {
        assert_eq!(code(late).1, "INVALID_CREDENTIALS");
    }
    assert_eq!(
        hostel.sessions(&token).await.len(),
        1,
        "only the session that changed it goes on"
    );
}

#[tokio::test]
async fn a_challenge_is_for_the_password_that_was_proved() {
    let hostel = slow_hostel().await;
    let token = hostel.login(ADMIN).await;
    hostel.with_phone(&token).await;
    for late in sign_in_behind_a_change(&hostel, &token, "login_challenge").await {
        assert_eq!(code(late).1, "INVALID_CREDENTIALS");
    }
}

#[tokio::test]
async fn a_second_step_that_fails_on_the_way_has_used_nothing() {
    let hostel = Hostel::open().await;
    let token = hostel.login(ADMIN).await;
    let (phone, codes) = hostel.with_phone(&token).await;
    let challenge = hostel.first_step(ADMIN).await;
    hostel.write("ALTER TABLE device RENAME TO device_away", []).await;
    assert!(hostel.second_step(&challenge, &codes[0]).await.is_err());
    hostel.write("ALTER TABLE device_away RENAME TO device", []).await;
    assert_eq!(hostel.count("recovery_code").await, 10);
    assert_eq!(hostel.events("user.recovery_code_used").await.len(), 0);

    // A wrong guess that cannot be told counts as none, and gets no answer.
    hostel.write("ALTER TABLE outbox RENAME TO outbox_away", []).await;
    let wrong = hostel.second_step(&challenge, &phone.wrong_code(&hostel)).await;
    hostel.write("ALTER TABLE outbox_away RENAME TO outbox", []).await;
    assert_ne!(code(wrong).1, "MFA_CODE_INVALID");
    let left = "SELECT CAST(tries_left AS text) AS text FROM login_challenge";
    assert_eq!(hostel.rows(left).await, ["5"]);
    hostel.second_step(&challenge, &codes[0]).await.unwrap();
    assert_eq!(hostel.count("recovery_code").await, 9);
}

#[tokio::test]
async fn hashes_of_another_cost_go_as_their_owners_come() {
    let hostel = Hostel::open().await;
    let token = hostel.login(ADMIN).await;
    hostel.create(&token, GUARD, Role::Guard).await;
    let stores = hostel.world.stop().await;
    let costlier = Config {
        bcrypt_cost: 5,
        ..config()
    };
    let hostel = Hostel {
        world: World::on::<Auth>(stores, costlier).await,
    };
    let kept = async |table: &str| {
        let hash = if table == "user_account" {
            "password_hash"
        } else {
            "hash"
        };
        let sql = format!("SELECT substr({hash}, 1, 7) AS text FROM {table} ORDER BY 1");
        hostel.rows(&sql).await
    };
    assert!(hostel.try_login(GUARD, NEXT).await.is_err());
    assert_eq!(kept("user_account").await, ["$2b$04$", "$2b$04$"]);
    // All at once, from different places: none is refused because another one was quicker.
    let logins = (0..6).map(|number| hostel.try_login_on(if number % 2 == 0 { DESK } else { PHONE }, GUARD, PASSWORD));
    for answer in join_all(logins).await {
        answer.unwrap();
    }
    for table in ["user_account", "password_history"] {
        assert_eq!(kept(table).await, ["$2b$04$", "$2b$05$"], "{table}");
    }
    hostel.login(GUARD).await;
    assert!(hostel.events("user.password_changed").await.is_empty());
}
