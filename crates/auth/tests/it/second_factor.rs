//! The second factor: setting it up, signing in with it, guessing it.

use chrono::Duration;
use kit::Fault;
use proto::options::Role;
use tonic::Code;

use crate::{
    factor::Phone,
    hostel::{ADMIN, Hostel, PASSWORD, code},
    log::Log,
};

const WARDEN: &str = "warden@hostel.example";

/// What everybody gets whose second step is refused.
fn refused(outcome: Result<impl std::fmt::Debug, Fault>) {
    assert_eq!(code(outcome), (Code::Unauthenticated, "MFA_CODE_INVALID".to_owned()));
}

#[tokio::test]
async fn an_app_is_set_up_and_signing_in_needs_it() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    assert!(!hostel.factor(&admin).await.is_enabled);
    let answer = hostel.set_up(&admin, PASSWORD, None).await.unwrap();
    assert!(
        answer
            .otpauth_url
            .starts_with("otpauth://totp/HostelPulse:admin%40hostel.example?secret=")
    );
    assert!(answer.otpauth_url.contains(&answer.secret));
    assert!(answer.qr_image_url.starts_with("data:image/png;base64,iVBOR"));
    let phone = Phone::scan(&answer);
    hostel.login(ADMIN).await; // nothing changes before the first code

    let codes = hostel.confirm(&admin, &phone.code(&hostel)).await.unwrap();
    assert_eq!(codes.len(), 10);
    let state = hostel.factor(&admin).await;
    assert_eq!(
        (state.is_enabled, state.is_required, state.recovery_codes_left),
        (true, false, 10)
    );
    hostel.world.clock.advance(Duration::seconds(30));
    let challenge = hostel.first_step(ADMIN).await;
    let signed_in = hostel.second_step(&challenge, &phone.code(&hostel)).await.unwrap();
    assert!(!signed_in.mfa_required && signed_in.recovery_codes.is_empty());
    assert_eq!(signed_in.user.as_ref().unwrap().email, ADMIN);
    assert!(hostel.me(signed_in.access_token()).await.is_ok());
    let changed = hostel.events("user.second_factor_changed").await;
    assert_eq!(changed.len(), 1);
    assert_eq!(changed[0]["data"]["what"], "enabled");
    assert_eq!(changed[0]["actor"]["role"], "admin");
}

#[tokio::test]
async fn setting_up_takes_the_password_and_the_first_code() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let reason = |outcome: Result<Vec<String>, Fault>| code(outcome);
    let not_set_up = (Code::FailedPrecondition, "MFA_NOT_SET_UP".to_owned());
    assert_eq!(reason(hostel.confirm(&admin, "123456").await), not_set_up);
    assert_eq!(reason(hostel.renew(&admin, "123456").await), not_set_up);
    assert_eq!(code(hostel.disable(&admin, "123456").await), not_set_up);
    let wrong = hostel.set_up(&admin, "Wrong#2026x", None).await;
    assert_eq!(code(wrong), (Code::FailedPrecondition, "WRONG_PASSWORD".to_owned()));
    for odd in [String::new(), "x".repeat(10_000)] {
        assert_eq!(code(hostel.set_up(&admin, &odd, None).await).0, Code::InvalidArgument);
    }
    let phone = Phone::scan(&hostel.set_up(&admin, PASSWORD, None).await.unwrap());
    for odd in [String::new(), "x".repeat(10_000)] {
        assert_eq!(code(hostel.confirm(&admin, &odd).await).0, Code::InvalidArgument);
    }
    for odd in [phone.wrong_code(&hostel), phone.code_in(&hostel, 30)] {
        let wrong = hostel.confirm(&admin, &odd).await;
        assert_eq!(code(wrong), (Code::FailedPrecondition, "MFA_CODE_INVALID".to_owned()));
    }
    assert!(hostel.confirm(&admin, &phone.code(&hostel)).await.is_ok());
}

#[tokio::test]
async fn a_code_is_good_once_for_this_step_and_the_one_before() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let phone = Phone::scan(&hostel.set_up(&admin, PASSWORD, None).await.unwrap());
    let first = phone.code(&hostel);
    hostel.confirm(&admin, &first).await.unwrap();
    refused(hostel.second_step(&hostel.first_step(ADMIN).await, &first).await);
    hostel.world.clock.advance(Duration::seconds(90));
    let challenge = hostel.first_step(ADMIN).await;
    for seconds in [-60, 30] {
        refused(hostel.second_step(&challenge, &phone.code_in(&hostel, seconds)).await);
    }
    let before = phone.code_in(&hostel, -30);
    hostel.second_step(&challenge, &before).await.unwrap();
    refused(hostel.second_step(&hostel.first_step(ADMIN).await, &before).await);
    let now = phone.code(&hostel);
    hostel.second_step(&hostel.first_step(ADMIN).await, &now).await.unwrap();
    // Neither the same nor an earlier one ever again.
    for used in [now, before] {
        refused(hostel.second_step(&hostel.first_step(ADMIN).await, &used).await);
    }
}

#[tokio::test]
async fn one_code_and_one_challenge_are_one_session_whoever_is_first() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let (phone, _) = hostel.with_phone(&admin).await;
    let mut challenges = Vec::new();
    for _ in 0..4 {
        challenges.push(hostel.first_step(ADMIN).await);
    }
    let now = phone.code(&hostel);
    let tries = challenges.iter().map(|challenge| hostel.second_step(challenge, &now));
    let outcomes = futures_util::future::join_all(tries).await;
    assert_eq!(
        outcomes.iter().filter(|outcome| outcome.is_ok()).count(),
        1,
        "{outcomes:?}"
    );

    hostel.world.clock.advance(Duration::seconds(60));
    let challenge = hostel.first_step(ADMIN).await;
    let codes = [phone.code(&hostel), phone.code_in(&hostel, -30)];
    let tries = (0..5).map(|number| hostel.second_step(&challenge, &codes[number % 2]));
    let outcomes = futures_util::future::join_all(tries).await;
    assert_eq!(
        outcomes.iter().filter(|outcome| outcome.is_ok()).count(),
        1,
        "{outcomes:?}"
    );
    refused(outcomes.into_iter().find(Result::is_err).unwrap());
    let signed_in = hostel.events("user.signed_in").await;
    assert_eq!(signed_in.len(), 3, "the first with the password alone");
}

#[tokio::test]
async fn a_recovery_code_is_good_once_however_it_is_typed() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let (phone, codes) = hostel.with_phone(&admin).await;
    let typed = codes[0].replace('-', "").to_lowercase();
    hostel
        .second_step(&hostel.first_step(ADMIN).await, &typed)
        .await
        .unwrap();
    refused(hostel.second_step(&hostel.first_step(ADMIN).await, &codes[0]).await);
    assert_eq!(hostel.factor(&admin).await.recovery_codes_left, 9);
    let used = hostel.events("user.recovery_code_used").await;
    assert_eq!((used.len(), used[0]["data"]["left"].as_u64()), (1, Some(9)));

    let mut challenges = Vec::new();
    for _ in 0..4 {
        challenges.push(hostel.first_step(ADMIN).await);
    }
    let tries = challenges
        .iter()
        .map(|challenge| hostel.second_step(challenge, &codes[1]));
    let outcomes = futures_util::future::join_all(tries).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);

    let fresh = hostel.renew(&admin, &phone.code(&hostel)).await.unwrap();
    assert_eq!(fresh.len(), 10);
    refused(hostel.second_step(&hostel.first_step(ADMIN).await, &codes[2]).await);
    hostel
        .second_step(&hostel.first_step(ADMIN).await, &fresh[2])
        .await
        .unwrap();
    let changed = hostel.events("user.second_factor_changed").await;
    assert_eq!(changed[1]["data"]["what"], "codes_renewed");
}

#[tokio::test]
async fn five_wrong_codes_burn_a_challenge_and_every_refusal_is_the_same() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let (phone, _) = hostel.with_phone(&admin).await;
    let challenge = hostel.first_step(ADMIN).await;
    let expired = hostel.first_step(ADMIN).await;
    let mut answers = Vec::new();
    for odd in [
        phone.wrong_code(&hostel),
        phone.code_in(&hostel, 30),
        "١٢٣٤٥٦".to_owned(),
        "12\u{0}456".to_owned(),
        "abcdef".to_owned(),
    ] {
        answers.push(hostel.second_step(&challenge, &odd).await.unwrap_err());
    }
    answers.push(hostel.second_step(&challenge, &phone.code(&hostel)).await.unwrap_err());
    for unknown in ["x", "' OR 1=1 --", "a\u{0}b"] {
        answers.push(hostel.second_step(unknown, &phone.code(&hostel)).await.unwrap_err());
        refused(hostel.set_up_at_login(unknown).await);
    }
    for odd in [String::new(), "x".repeat(10_000)] {
        let fault = hostel.second_step(&odd, &odd).await.unwrap_err();
        let fields: Vec<_> = fault.violations.iter().map(|one| one.field.as_str()).collect();
        assert_eq!(fields, ["challenge_token", "code"]);
        assert_eq!(code(hostel.set_up_at_login(&odd).await).0, Code::InvalidArgument);
    }
    let failed = hostel.events("user.sign_in_failed").await;
    let counted: Vec<_> = failed
        .iter()
        .map(|event| event["data"]["failures"].as_u64().unwrap())
        .collect();
    assert_eq!(counted, [1, 2, 3, 4, 5]);
    assert_eq!(failed[0]["data"]["why"], "second_factor");

    hostel.world.clock.advance(Duration::minutes(5));
    answers.push(hostel.second_step(&expired, &phone.code(&hostel)).await.unwrap_err());
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    refused(Err::<(), _>(answers.remove(0)));
    let challenge = hostel.first_step(ADMIN).await;
    hostel.second_step(&challenge, &phone.code(&hostel)).await.unwrap();
}

#[tokio::test]
async fn ten_codes_are_looked_at_in_five_minutes_over_all_challenges() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let (phone, codes) = hostel.with_phone(&admin).await;
    let mut challenges = Vec::new();
    for _ in 0..6 {
        challenges.push(hostel.first_step(ADMIN).await);
    }
    let wrong = phone.wrong_code(&hostel);
    let tries = (0..18).map(|number| hostel.second_step(&challenges[number % 6], &wrong));
    for outcome in futures_util::future::join_all(tries).await {
        refused(outcome);
    }
    let failed = hostel.events("user.sign_in_failed").await;
    assert_eq!(failed.len(), 10, "the others were not looked at");
    // Not even the right one, nor by another way in.
    let challenge = hostel.first_step(ADMIN).await;
    refused(hostel.second_step(&challenge, &phone.code(&hostel)).await);
    refused(hostel.second_step(&challenge, &codes[0]).await);
    assert_eq!(
        code(hostel.disable(&admin, &phone.code(&hostel)).await).1,
        "MFA_CODE_INVALID"
    );
    hostel.world.clock.advance(Duration::minutes(5));
    hostel
        .second_step(&hostel.first_step(ADMIN).await, &codes[0])
        .await
        .unwrap();
}

#[tokio::test]
async fn an_app_is_replaced_by_a_code_of_the_old_one() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let (old, codes) = hostel.with_phone(&admin).await;
    for code_of_old in [None, Some("000000x")] {
        let missing = hostel.set_up(&admin, PASSWORD, code_of_old).await;
        assert_eq!(code(missing), (Code::FailedPrecondition, "MFA_CODE_INVALID".to_owned()));
    }
    // The old phone is lost: a recovery code does.
    let answer = hostel.set_up(&admin, PASSWORD, Some(&codes[0])).await.unwrap();
    let new = Phone::scan(&answer);
    hostel
        .second_step(&hostel.first_step(ADMIN).await, &old.code(&hostel))
        .await
        .unwrap();
    let fresh = hostel.confirm(&admin, &new.code(&hostel)).await.unwrap();
    hostel.world.clock.advance(Duration::seconds(30));
    for gone in [old.code(&hostel), codes[1].clone()] {
        refused(hostel.second_step(&hostel.first_step(ADMIN).await, &gone).await);
    }
    hostel
        .second_step(&hostel.first_step(ADMIN).await, &new.code(&hostel))
        .await
        .unwrap();
    hostel
        .second_step(&hostel.first_step(ADMIN).await, &fresh[0])
        .await
        .unwrap();
    assert!(hostel.me(&admin).await.is_ok(), "other sessions stay");
}

#[tokio::test]
async fn the_second_factor_is_switched_off_by_a_code() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let (phone, _) = hostel.with_phone(&admin).await;
    let wrong = hostel.disable(&admin, &phone.wrong_code(&hostel)).await;
    assert_eq!(code(wrong), (Code::FailedPrecondition, "MFA_CODE_INVALID".to_owned()));
    let challenge = hostel.first_step(ADMIN).await;
    hostel.disable(&admin, &phone.code(&hostel)).await.unwrap();
    let state = hostel.factor(&admin).await;
    assert_eq!((state.is_enabled, state.recovery_codes_left), (false, 0));
    hostel.login(ADMIN).await;
    hostel.world.clock.advance(Duration::seconds(30));
    refused(hostel.second_step(&challenge, &phone.code(&hostel)).await);
    let changed = hostel.events("user.second_factor_changed").await;
    assert_eq!(changed[1]["data"]["what"], "disabled");
}

#[tokio::test]
async fn who_must_have_one_sets_it_up_while_signing_in() {
    let hostel = Hostel::that_asks("warden").await;
    let admin = hostel.login(ADMIN).await;
    hostel.create(&admin, WARDEN, Role::Warden).await;
    let answer = hostel.try_login(WARDEN, PASSWORD).await.unwrap();
    assert!(answer.mfa_required && answer.mfa_setup_required && answer.access_token.is_none());
    let challenge = answer.challenge_token().to_owned();
    refused(hostel.second_step(&challenge, "123456").await);
    hostel.set_up_at_login(&challenge).await.unwrap();
    let phone = Phone::scan(&hostel.set_up_at_login(&challenge).await.unwrap());
    refused(hostel.second_step(&challenge, &phone.wrong_code(&hostel)).await);
    let signed_in = hostel.second_step(&challenge, &phone.code(&hostel)).await.unwrap();
    assert_eq!(signed_in.recovery_codes.len(), 10);
    let token = signed_in.access_token().to_owned();
    let state = hostel.factor(&token).await;
    assert_eq!((state.is_enabled, state.is_required), (true, true));

    hostel.world.clock.advance(Duration::seconds(30));
    let answer = hostel.try_login(WARDEN, PASSWORD).await.unwrap();
    assert!(answer.mfa_required && !answer.mfa_setup_required);
    refused(hostel.set_up_at_login(answer.challenge_token()).await);
    let off = hostel.disable(&token, &phone.code(&hostel)).await;
    assert_eq!(code(off), (Code::FailedPrecondition, "MFA_REQUIRED_BY_ROLE".to_owned()));
    hostel
        .second_step(answer.challenge_token(), &phone.code(&hostel))
        .await
        .unwrap();
    let changed = hostel.events("user.second_factor_changed").await;
    assert_eq!(
        (changed.len(), changed[0]["actor"]["role"].as_str()),
        (1, Some("warden"))
    );
}

#[tokio::test]
async fn a_challenge_gives_out_a_few_apps_and_one_of_them_counts() {
    let hostel = Hostel::that_asks("admin").await;
    let answer = hostel.try_login(ADMIN, PASSWORD).await.unwrap();
    let challenge = answer.challenge_token();
    let mut phones = Vec::new();
    for _ in 0..5 {
        phones.push(Phone::scan(&hostel.set_up_at_login(challenge).await.unwrap()));
    }
    refused(hostel.set_up_at_login(challenge).await);
    refused(hostel.second_step(challenge, &phones[0].code(&hostel)).await);
    let last = phones[4].code(&hostel);
    let tries = (0..4).map(|_| hostel.second_step(challenge, &last));
    let outcomes = futures_util::future::join_all(tries).await;
    assert_eq!(
        outcomes.iter().filter(|outcome| outcome.is_ok()).count(),
        1,
        "{outcomes:?}"
    );
}

#[tokio::test]
async fn a_challenge_ends_with_the_account_and_with_the_password() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let warden = hostel.create(&admin, WARDEN, Role::Warden).await;
    let token = hostel.login(WARDEN).await;
    let (phone, _) = hostel.with_phone(&token).await;
    let challenge = hostel.first_step(WARDEN).await;
    hostel.world.clock.advance(Duration::seconds(1));
    let changed = "UPDATE user_account SET password_changed_at = $1 WHERE email = $2";
    hostel
        .write(changed, [hostel.world.clock.now().into(), WARDEN.into()])
        .await;
    refused(hostel.second_step(&challenge, &phone.code(&hostel)).await);
    let challenge = hostel.first_step(WARDEN).await;
    hostel.deactivate(&admin, &warden.id).await.unwrap();
    refused(hostel.second_step(&challenge, &phone.code(&hostel)).await);
    refused(hostel.set_up_at_login(&challenge).await);
}

#[tokio::test]
async fn no_secret_is_in_an_event_or_in_the_log() {
    let log = Log::listen();
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let answer = hostel.set_up(&admin, PASSWORD, None).await.unwrap();
    let phone = Phone::scan(&answer);
    let mut secrets = vec![PASSWORD.to_owned(), answer.secret.clone(), answer.otpauth_url.clone()];
    let codes = hostel.confirm(&admin, &phone.code(&hostel)).await.unwrap();
    hostel.world.clock.advance(Duration::seconds(30));
    let challenge = hostel.first_step(ADMIN).await;
    refused(hostel.second_step(&challenge, &phone.wrong_code(&hostel)).await);
    let signed_in = hostel.second_step(&challenge, &codes[0]).await.unwrap();
    secrets.extend([challenge, signed_in.refresh_token().to_owned()]);
    secrets.extend(codes.iter().map(|code| code.replace('-', "")));
    secrets.extend(codes);
    let said = log.text() + &hostel.kept().await;
    assert!(said.contains("LoginWithSecondFactor"), "the log was heard");
    for secret in secrets {
        assert!(!said.contains(&secret), "{secret}");
    }
}

#[tokio::test]
async fn challenges_past_their_time_are_forgotten() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    hostel.with_phone(&admin).await;
    for _ in 0..3 {
        hostel.first_step(ADMIN).await;
    }
    let kept = "UPDATE login_challenge SET tries_left = tries_left";
    assert_eq!(hostel.write(kept, []).await, 3);
    let long_ago = hostel.world.clock.now() - Duration::hours(2);
    hostel
        .write("UPDATE login_challenge SET expires_at = $1", [long_ago.into()])
        .await;
    // It happens at the start, and every hour after it.
    let stores = hostel.world.stop().await;
    let world = kit::testing::World::on::<auth::Auth>(stores, crate::hostel::config()).await;
    let hostel = Hostel { world };
    let forgotten = async { while hostel.write(kept, []).await > 0 {} };
    tokio::time::timeout(std::time::Duration::from_secs(20), forgotten)
        .await
        .unwrap();
}
