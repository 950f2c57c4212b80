//! One-time codes: who gets one, how often it can be guessed, how long it holds.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use kit::testing::patiently;
use proto::options::Role;
use serde_json::json;
use tonic::Code;

use crate::{
    hostel::{ADMIN, Hostel, PASSWORD, code, somebody},
    log::Log,
    mails::wrong,
};

const NEXT: &str = "Copper#41kettle";
const THIRD: &str = "Mossy#52bridge";

/// An administrator with a fresh code.
async fn with_code() -> (Hostel, String) {
    let hostel = Hostel::open().await;
    hostel.forgot(ADMIN).await;
    let otp = hostel.mailed_code(ADMIN, 1).await;
    // While one waits, another to the same person is none.
    hostel.no_letter_waits().await;
    (hostel, otp)
}

#[tokio::test]
async fn a_forgotten_password_is_reset_and_every_session_ends() {
    let hostel = Hostel::open().await;
    let token = hostel.login(ADMIN).await;
    hostel.forgot("ADMIN@Hostel.example").await;
    let otp = hostel.mailed_code(ADMIN, 1).await;
    hostel.reset("Admin@hostel.example", &otp, NEXT).await.unwrap();
    assert_eq!(code(hostel.me(&token).await).0, Code::Unauthenticated);
    assert!(hostel.try_login(ADMIN, PASSWORD).await.is_err());
    assert!(hostel.try_login(ADMIN, NEXT).await.is_ok());
    let again = hostel.reset(ADMIN, &otp, THIRD).await;
    assert_eq!(code(again), (Code::FailedPrecondition, "OTP_INVALID".to_owned()));

    let sent = hostel.events("user.code_sent").await;
    assert_eq!((sent.len(), &sent[0]["data"]["purpose"]), (1, &json!("reset")));
    assert_eq!(sent[0]["actor"]["role"], "service");
    assert_eq!(hostel.events("user.password_changed").await[0]["data"]["how"], "reset");
    assert_eq!(hostel.events("user.sessions_ended").await[0]["data"]["why"], "password");
}

#[tokio::test]
async fn the_answer_is_the_same_whoever_is_asked_for() {
    let (hostel, otp) = with_code().await;
    let admin = hostel.login(ADMIN).await;
    let gone = hostel.create(&admin, "gone@hostel.example", Role::Guard).await;
    hostel.deactivate(&admin, &gone.id).await.unwrap();
    hostel.create(&admin, "silent@hostel.example", Role::Guard).await;
    let mut answers = Vec::new();
    for (identifier, otp) in [
        (ADMIN, wrong(&otp)),
        ("silent@hostel.example", otp.clone()),
        ("gone@hostel.example", otp.clone()),
        ("nobody@hostel.example", otp.clone()),
        ("REG-404", otp.clone()),
    ] {
        let begun = Instant::now();
        answers.push(hostel.reset(identifier, &otp, NEXT).await.unwrap_err());
        assert!(begun.elapsed() >= Duration::from_millis(150), "{identifier}");
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(answers[0].reason, "OTP_INVALID");

    for identifier in ["nobody@hostel.example", "gone@hostel.example", "REG-404"] {
        hostel.forgot(identifier).await;
    }
    hostel.no_letter_waits().await;
    for address in ["nobody@hostel.example", "gone@hostel.example"] {
        assert!(hostel.mails_to(address).is_empty());
    }
}

#[tokio::test]
async fn after_five_tries_a_code_is_worthless() {
    let (hostel, otp) = with_code().await;
    for _ in 0..5 {
        assert_eq!(code(hostel.reset(ADMIN, &wrong(&otp), NEXT).await).1, "OTP_INVALID");
    }
    assert_eq!(code(hostel.reset(ADMIN, &otp, NEXT).await).1, "OTP_INVALID");
    hostel.forgot(ADMIN).await;
    let next = hostel.mailed_code(ADMIN, 2).await;
    hostel.reset(ADMIN, &next, NEXT).await.unwrap();
}

#[tokio::test]
async fn guesses_at_once_are_no_more_than_five() {
    let (hostel, otp) = with_code().await;
    let guesses = (1..=200).map(|step| format!("{:06}", (otp.parse::<u32>().unwrap() + step) % 1_000_000));
    let guesses: Vec<_> = guesses.collect();
    // On a busy machine somebody waits too long for their turn; that was no guess, and they make it again.
    let guessing = guesses
        .iter()
        .map(|guess| patiently(async || hostel.reset(ADMIN, guess, NEXT).await));
    for answer in join_all(guessing).await {
        assert_eq!(code(answer).1, "OTP_INVALID");
    }
    let left = hostel
        .rows("SELECT CAST(tries_left AS text) AS text FROM one_time_code")
        .await;
    assert_eq!(left, ["0"]);
    assert_eq!(code(hostel.reset(ADMIN, &otp, NEXT).await).1, "OTP_INVALID");
}

#[tokio::test]
async fn a_code_holds_ten_minutes() {
    let (hostel, otp) = with_code().await;
    hostel.world.clock.advance(chrono::Duration::seconds(600));
    assert_eq!(code(hostel.reset(ADMIN, &otp, NEXT).await).1, "OTP_INVALID");
    hostel.forgot(ADMIN).await;
    let next = hostel.mailed_code(ADMIN, 2).await;
    hostel.world.clock.advance(chrono::Duration::seconds(599));
    hostel.reset(ADMIN, &next, NEXT).await.unwrap();
}

#[tokio::test]
async fn a_new_code_ends_the_one_before() {
    let (hostel, first) = with_code().await;
    hostel.no_letter_waits().await;
    hostel.forgot(ADMIN).await;
    let second = hostel.mailed_code(ADMIN, 2).await;
    if first != second {
        assert_eq!(code(hostel.reset(ADMIN, &first, NEXT).await).1, "OTP_INVALID");
    }
    hostel.reset(ADMIN, &second, NEXT).await.unwrap();
}

#[tokio::test]
async fn a_code_is_its_users_own() {
    let (hostel, otp) = with_code().await;
    let admin = hostel.login(ADMIN).await;
    hostel.create(&admin, "guard@hostel.example", Role::Guard).await;
    hostel.forgot("guard@hostel.example").await;
    let guards = hostel.mailed_code("guard@hostel.example", 1).await;
    if otp != guards {
        assert_eq!(
            code(hostel.reset("guard@hostel.example", &otp, NEXT).await).1,
            "OTP_INVALID"
        );
    }
    hostel.reset("guard@hostel.example", &guards, NEXT).await.unwrap();
}

#[tokio::test]
async fn a_password_that_is_refused_spends_no_code() {
    let (hostel, otp) = with_code().await;
    for _ in 0..6 {
        let fault = hostel.reset(ADMIN, &otp, "weak").await.unwrap_err();
        assert_eq!(fault.violations[0].field, "new_password");
        let fault = hostel.reset(ADMIN, &wrong(&otp), "weak").await.unwrap_err();
        assert_eq!(
            fault.violations[0].field, "new_password",
            "nothing is said about the code"
        );
        let fault = hostel.reset(ADMIN, &otp, PASSWORD).await.unwrap_err();
        assert_eq!(fault.violations[0].error, "must not be one of your last 3 passwords");
    }
    hostel.reset(ADMIN, &otp, NEXT).await.unwrap();
}

#[tokio::test]
async fn one_code_sets_one_password_also_for_many_at_once() {
    let (hostel, otp) = with_code().await;
    let passwords: Vec<_> = (0..4).map(|number| format!("Copper#4{number}kettle")).collect();
    let outcomes = join_all(passwords.iter().map(|password| hostel.reset(ADMIN, &otp, password))).await;
    assert_eq!(
        outcomes.iter().filter(|outcome| outcome.is_ok()).count(),
        1,
        "{outcomes:?}"
    );
    for fault in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        assert_eq!(fault.reason, "OTP_INVALID");
    }
    let place = outcomes.iter().position(Result::is_ok).unwrap();
    assert!(hostel.try_login(ADMIN, &passwords[place]).await.is_ok());
    assert_eq!(hostel.events("user.password_changed").await.len(), 1);
}

#[tokio::test]
async fn a_change_and_a_reset_at_once_leave_one_password() {
    let (hostel, otp) = with_code().await;
    let token = hostel.login(ADMIN).await;
    let (changed, reset) = tokio::join!(
        hostel.change_password(&token, PASSWORD, NEXT),
        hostel.reset(ADMIN, &otp, THIRD)
    );
    // One after the other is as good as one of the two.
    let expected = if reset.is_ok() { THIRD } else { NEXT };
    assert!(changed.is_ok() || reset.is_ok(), "{changed:?} {reset:?}");
    if changed.is_ok() && reset.is_ok() {
        let either = [NEXT, THIRD].map(|password| hostel.try_login(ADMIN, password));
        let worked = join_all(either).await.iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(worked, 1);
    } else {
        assert!(hostel.try_login(ADMIN, expected).await.is_ok());
    }
    assert!(hostel.try_login(ADMIN, PASSWORD).await.is_err());
}

#[tokio::test]
async fn codes_are_not_sent_without_end() {
    let hostel = Hostel::open().await;
    for number in 1..=5 {
        hostel.forgot(ADMIN).await;
        hostel.mail(ADMIN, number).await;
        hostel.no_letter_waits().await;
    }
    let last = hostel.mailed_code(ADMIN, 5).await;
    hostel.forgot(ADMIN).await;
    hostel.no_letter_waits().await;
    assert_eq!(hostel.mails_to(ADMIN).len(), 5);
    hostel.world.clock.advance(chrono::Duration::minutes(61));
    hostel.forgot(ADMIN).await;
    let next = hostel.mailed_code(ADMIN, 6).await;
    if last != next {
        assert_eq!(code(hostel.reset(ADMIN, &last, NEXT).await).1, "OTP_INVALID");
    }
    hostel.reset(ADMIN, &next, NEXT).await.unwrap();
}

#[tokio::test]
async fn odd_input_is_a_clear_refusal() {
    let (hostel, otp) = with_code().await;
    let long = "x".repeat(10_000);
    for (identifier, otp, field) in [
        ("", otp.as_str(), "identifier"),
        (long.as_str(), &otp, "identifier"),
        ("admin\0@hostel.example", &otp, "identifier"),
        (ADMIN, "", "otp"),
        (ADMIN, "12345", "otp"),
        (ADMIN, "１２３４５６", "otp"),
        (ADMIN, long.as_str(), "otp"),
    ] {
        let fault = hostel.reset(identifier, otp, NEXT).await.unwrap_err();
        assert_eq!(
            (fault.kind.grpc(), fault.violations[0].field.as_str()),
            (Code::InvalidArgument, field)
        );
    }
    for identifier in ["", long.as_str(), "a\r\nb@hostel.example"] {
        let fault = hostel.try_forgot(identifier).await.unwrap_err();
        assert_eq!(fault.violations[0].field, "identifier");
    }
    for identifier in ["' OR 1=1 --", "аdmin@hostel.example"] {
        assert_eq!(code(hostel.reset(identifier, &otp, NEXT).await).1, "OTP_INVALID");
        hostel.forgot(identifier).await;
    }
    hostel.reset(ADMIN, &otp, NEXT).await.unwrap();
}

#[tokio::test]
async fn nothing_that_is_kept_or_said_holds_a_code_or_a_password() {
    let log = Log::listen();
    let (hostel, otp) = with_code().await;
    let admin = hostel.login(ADMIN).await;
    hostel
        .try_create(&admin, somebody("guard@hostel.example", Role::Guard))
        .await
        .unwrap();
    hostel.reset(ADMIN, &otp, NEXT).await.unwrap();
    hostel.forgot(ADMIN).await;
    let second = hostel.mailed_code(ADMIN, 2).await;
    let mut kept = Vec::new();
    for query in [
        "SELECT event AS text FROM outbox",
        "SELECT kind || ' ' || context AS text FROM letter",
        "SELECT hash || ' ' || salt AS text FROM one_time_code",
        "SELECT hash AS text FROM password_history",
        "SELECT COALESCE(password_hash, '') AS text FROM user_account",
    ] {
        kept.extend(hostel.rows(query).await);
    }
    assert!(kept.len() > 8, "{kept:?}");
    let said = log.text();
    assert!(said.contains("a letter was written"), "the log was heard");
    kept.push(said);
    for text in kept {
        for password in [PASSWORD, NEXT] {
            assert!(!text.contains(password), "{text}");
        }
        let mut words = text.split(|c: char| !c.is_alphanumeric());
        assert!(words.all(|word| word != otp && word != second), "{text}");
    }
}
