//! API keys: making them, using them, losing them.

use chrono::Duration;
use kit::Fault;
use proto::{
    auth::{CreateApiKeyRequest, ListApiKeysRequest, UpdateUserRequest},
    options::Role,
};
use tonic::Code;

use crate::{
    factor::plain,
    hostel::{ADMIN, Hostel, PASSWORD, code, somebody},
    key::key,
    log::Log,
};

const WARDEN: &str = "warden@hostel.example";

fn refused(outcome: Result<impl std::fmt::Debug, Fault>) {
    assert_eq!(code(outcome), (Code::Unauthenticated, "UNAUTHENTICATED".to_owned()));
}

#[tokio::test]
async fn a_key_calls_for_its_owner() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let owner = hostel.me(&admin).await.unwrap();
    let (secret, known) = hostel.create_key(&admin, key(Role::Guard, &[])).await;
    assert!(secret.starts_with("hpk_") && secret.starts_with(&known.prefix) && known.prefix.len() == 10);
    assert_eq!(
        (known.owner_id.as_str(), known.role()),
        (owner.id.as_str(), Role::Guard)
    );
    let days = known.expires_at.unwrap().seconds - known.created_at.unwrap().seconds;
    assert_eq!(days, 90 * 86_400);

    let answer = hostel.exchange(&secret).await.unwrap();
    assert_eq!(answer.expires_in, 300);
    assert_eq!(hostel.me(&answer.access_token).await.unwrap().id, owner.id);
    let listed = hostel.list_keys(&admin).await.unwrap();
    assert_eq!((listed.len(), listed[0].id.as_str()), (1, known.id.as_str()));
    assert!(listed[0].last_used_at.is_some() && listed[0].revoked_at.is_none());
    let created = hostel.events("api_key.created").await;
    assert_eq!(created[0]["data"]["api_key"]["role"], "guard");
    let used = hostel.events("api_key.used").await;
    assert_eq!(
        (used[0]["subject"].as_str(), used[0]["version"].as_i64()),
        (Some(known.id.as_str()), Some(2))
    );
    assert_eq!(used[0]["actor"]["role"], "guard");
    hostel.world.clock.advance(Duration::minutes(5));
    refused(hostel.me(&answer.access_token).await);
}

#[tokio::test]
async fn a_key_does_what_its_role_may_and_no_more() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let admin_id = hostel.me(&admin).await.unwrap().id;
    let (of_guard, _) = hostel.create_key(&admin, key(Role::Guard, &[])).await;
    let (of_warden, _) = hostel.create_key(&admin, key(Role::Warden, &[])).await;
    let guard = hostel.exchange(&of_guard).await.unwrap().access_token;
    let forbidden = hostel.try_create(&guard, somebody("a@x.example", Role::Guard)).await;
    assert_eq!(code(forbidden).0, Code::PermissionDenied);
    let warden = hostel.exchange(&of_warden).await.unwrap().access_token;
    hostel.create(&warden, "b@x.example", Role::Guard).await;
    for above in [
        hostel.try_create(&warden, somebody("c@x.example", Role::Admin)).await,
        hostel.deactivate(&warden, &admin_id).await,
    ] {
        assert_eq!(code(above).0, Code::PermissionDenied, "its owner could, the key cannot");
    }
}

#[tokio::test]
async fn what_only_a_person_does_no_key_does() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let (secret, known) = hostel.create_key(&admin, key(Role::Admin, &[])).await;
    let tool = hostel.exchange(&secret).await.unwrap().access_token;
    let outcomes = [
        code(hostel.try_create_key(&tool, key(Role::Guard, &[])).await).0,
        code(hostel.list_keys(&tool).await).0,
        code(hostel.revoke_key(&tool, &known.id).await).0,
        code(hostel.set_up(&tool, PASSWORD, None).await).0,
        code(hostel.confirm(&tool, "123456").await).0,
        code(hostel.renew(&tool, "123456").await).0,
        code(hostel.disable(&tool, "123456").await).0,
    ];
    assert_eq!(outcomes, [Code::PermissionDenied; 7]);
}

#[tokio::test]
async fn nobody_gives_a_key_more_than_they_have() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    hostel.create(&admin, WARDEN, Role::Warden).await;
    hostel.create(&admin, "guard@hostel.example", Role::Guard).await;
    let warden = hostel.login(WARDEN).await;
    let above = hostel.try_create_key(&warden, key(Role::Admin, &[])).await;
    assert_eq!(code(above).0, Code::PermissionDenied);
    hostel.create_key(&warden, key(Role::Warden, &[])).await;
    let guard = hostel.login("guard@hostel.example").await;
    let forbidden = hostel.try_create_key(&guard, key(Role::Guard, &[])).await;
    assert_eq!(code(forbidden).0, Code::PermissionDenied);
}

#[tokio::test]
async fn every_wrong_field_is_named_at_once() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let request = CreateApiKeyRequest {
        name: "\u{7}".to_owned(),
        role: Role::Student.into(),
        expires_in_days: Some(731),
        allowed_ips: vec!["203.0.113.0/33".to_owned()],
    };
    let fault = hostel.try_create_key(&admin, request).await.unwrap_err();
    let fields: Vec<_> = fault.violations.iter().map(|one| one.field.as_str()).collect();
    assert_eq!(fields, ["name", "role", "expires_in_days", "allowed_ips"]);
    let many = vec!["10.0.0.1"; 21];
    for odd in [
        key(Role::Unspecified, &[]),
        key(Role::Guard, &["hostel.example"]),
        key(Role::Guard, &many),
    ] {
        assert_eq!(code(hostel.try_create_key(&admin, odd).await).0, Code::InvalidArgument);
    }
}

#[tokio::test]
async fn a_key_is_good_at_its_addresses_alone() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let list = ["203.0.113.9/24", "198.51.100.7", "2001:DB8::/32"];
    let (secret, known) = hostel.create_key(&admin, key(Role::Guard, &list)).await;
    assert_eq!(known.allowed_ips, ["203.0.113.0/24", "198.51.100.7", "2001:db8::/32"]);
    for inside in ["203.0.113.200", "198.51.100.7", "2001:db8:1::1", "::ffff:203.0.113.1"] {
        assert!(hostel.exchange_from(&secret, inside).await.is_ok(), "{inside}");
    }
    for outside in [
        "203.0.114.1",
        "198.51.100.8",
        "2001:db9::1",
        "203.0.113.1, 10.0.0.1",
        "localhost",
    ] {
        refused(hostel.exchange_from(&secret, outside).await);
    }
    // Nobody of ours vouches for the address.
    refused(hostel.exchange(&secret).await);
    refused(hostel.exchange_claiming(&secret, "203.0.113.1").await);
    let refusals = || hostel.events("api_key.refused");
    assert_eq!(refusals().await.len(), 1, "one a minute");
    hostel.world.clock.advance(Duration::minutes(1));
    let tries = (0..5).map(|_| hostel.exchange_from(&secret, "203.0.114.9"));
    for outcome in futures_util::future::join_all(tries).await {
        refused(outcome);
    }
    let told = refusals().await;
    assert_eq!((told.len(), told[1]["data"]["ip"].as_str()), (2, Some("203.0.114.9")));
}

#[tokio::test]
async fn what_is_no_key_is_refused_like_one_that_is_not_known() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let (secret, _) = hostel.create_key(&admin, key(Role::Guard, &[])).await;
    let mut last_changed = secret.clone();
    let last = if last_changed.pop() == Some('a') { 'b' } else { 'a' };
    last_changed.push(last);
    let odd = [
        "hpk_".to_owned(),
        secret[..secret.len() - 1].to_owned(),
        format!("{secret} "),
        secret.to_uppercase(),
        last_changed,
        "hpk_' OR 1=1 --".to_owned(),
        "hpk_\u{0}".to_owned(),
        "x".repeat(200),
    ];
    let mut answers = Vec::new();
    for text in odd {
        answers.push(hostel.exchange(&text).await.unwrap_err());
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    refused(Err::<(), _>(answers.remove(0)));
    refused(hostel.me(&secret).await);
    for text in [String::new(), "x".repeat(10_000), admin] {
        assert_eq!(code(hostel.exchange(&text).await).0, Code::InvalidArgument);
    }
}

#[tokio::test]
async fn a_key_ends() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let one_day = CreateApiKeyRequest {
        expires_in_days: Some(1),
        ..key(Role::Guard, &[])
    };
    let (secret, _) = hostel.create_key(&admin, one_day).await;
    hostel.world.clock.advance(Duration::days(1) - Duration::seconds(100));
    let answer = hostel.exchange(&secret).await.unwrap();
    assert_eq!(answer.expires_in, 100, "no longer than the key");
    hostel
        .world
        .clock
        .advance(Duration::seconds(100) - Duration::microseconds(1));
    refused(hostel.exchange(&secret).await);
    hostel.world.clock.advance(Duration::microseconds(1));
    refused(hostel.exchange(&secret).await);
    refused(hostel.me(&answer.access_token).await);
}

#[tokio::test]
async fn a_revoked_key_is_out_at_once() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    hostel.create(&admin, WARDEN, Role::Warden).await;
    let warden = hostel.login(WARDEN).await;
    let (secret, known) = hostel.create_key(&warden, key(Role::Guard, &[])).await;
    let (_, of_admin) = hostel.create_key(&admin, key(Role::Guard, &[])).await;
    let token = hostel.exchange(&secret).await.unwrap().access_token;
    assert!(hostel.me(&token).await.is_ok());
    let first = hostel.revoke_key(&warden, &known.id).await.unwrap();
    assert!(first.revoked_at.is_some());
    refused(hostel.me(&token).await);
    refused(hostel.exchange(&secret).await);
    hostel.world.clock.advance(Duration::seconds(5));
    // Again, by somebody else who may: as it is.
    assert_eq!(hostel.revoke_key(&admin, &known.id).await.unwrap(), first);
    assert_eq!(hostel.events("api_key.revoked").await.len(), 1);
    for unseen in [of_admin.id.as_str(), "0192f3a4-0000-7000-8000-000000000000"] {
        assert_eq!(code(hostel.revoke_key(&warden, unseen).await).0, Code::NotFound);
    }
    assert_eq!(
        code(hostel.revoke_key(&warden, "1 OR 1=1").await).0,
        Code::InvalidArgument
    );
    let ids = |keys: Vec<proto::auth::ApiKey>| keys.into_iter().map(|key| key.id).collect::<Vec<_>>();
    assert_eq!(ids(hostel.list_keys(&warden).await.unwrap()), [known.id.as_str()]);
    assert_eq!(ids(hostel.list_keys(&admin).await.unwrap()), [of_admin.id, known.id]);
}

#[tokio::test]
async fn keys_are_listed_in_pages() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(hostel.create_key(&admin, key(Role::Guard, &[])).await.1.id);
    }
    let page = |page, limit| {
        let request = ListApiKeysRequest {
            page: Some(page),
            limit: Some(limit),
        };
        hostel.world.request(&admin, request)
    };
    let second = plain(hostel.api_keys().list_api_keys(page(2, 2)).await).unwrap();
    assert_eq!((second.api_keys.len(), second.page.unwrap().total_items), (1, 3));
    assert_eq!(second.api_keys[0].id, made[0], "the newest first");
    let odd = plain(hostel.api_keys().list_api_keys(page(0, 101)).await);
    assert_eq!(code(odd).0, Code::InvalidArgument);
}

#[tokio::test]
async fn keys_end_with_the_account_of_their_owner() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let user = hostel.create(&admin, WARDEN, Role::Warden).await;
    let warden = hostel.login(WARDEN).await;
    let (secret, known) = hostel.create_key(&warden, key(Role::Guard, &[])).await;
    let token = hostel.exchange(&secret).await.unwrap().access_token;
    hostel.deactivate(&admin, &user.id).await.unwrap();
    refused(hostel.me(&token).await);
    refused(hostel.exchange(&secret).await);
    let revoked = hostel.events("api_key.revoked").await;
    assert_eq!(
        (revoked.len(), revoked[0]["subject"].as_str()),
        (1, Some(known.id.as_str()))
    );
    let back = UpdateUserRequest {
        id: user.id,
        name: None,
        is_active: Some(true),
    };
    hostel.update(&admin, back).await.unwrap();
    refused(hostel.exchange(&secret).await);
}

#[tokio::test]
async fn a_key_ends_when_its_owner_no_longer_stands_above_it() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    hostel.create(&admin, WARDEN, Role::Warden).await;
    let warden = hostel.login(WARDEN).await;
    let (secret, _) = hostel.create_key(&warden, key(Role::Warden, &[])).await;
    let token = hostel.exchange(&secret).await.unwrap().access_token;
    let demoted = "UPDATE user_account SET role = $1 WHERE email = $2";
    hostel.write(demoted, ["guard".into(), WARDEN.into()]).await;
    refused(hostel.exchange(&secret).await);
    refused(hostel.me(&token).await);
}

#[tokio::test]
async fn nobody_has_more_than_fifty_keys_that_hold() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let one_day = CreateApiKeyRequest {
        expires_in_days: Some(1),
        ..key(Role::Guard, &[])
    };
    let tries = (0..60).map(|_| hostel.create_key_patiently(&admin, one_day.clone()));
    let outcomes = futures_util::future::join_all(tries).await;
    let (made, others): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!((made.len(), others.len()), (50, 10));
    for outcome in others {
        assert_eq!(code(outcome), (Code::FailedPrecondition, "TOO_MANY_KEYS".to_owned()));
    }
    let first = made.into_iter().next().unwrap().unwrap();
    hostel.revoke_key(&admin, &first.id).await.unwrap();
    hostel.create_key(&admin, one_day.clone()).await;
    assert_eq!(
        code(hostel.try_create_key(&admin, one_day.clone()).await).1,
        "TOO_MANY_KEYS"
    );
    hostel.world.clock.advance(Duration::days(1));
    let admin = hostel.login(ADMIN).await;
    hostel.create_key(&admin, one_day).await;
}

#[tokio::test]
async fn a_busy_key_is_noted_now_and_then() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let (secret, _) = hostel.create_key(&admin, key(Role::Guard, &[])).await;
    let used = || hostel.events("api_key.used");
    for expected in [1, 2] {
        let tries = (0..12).map(|_| hostel.exchange(&secret));
        for outcome in futures_util::future::join_all(tries).await {
            outcome.unwrap();
        }
        assert_eq!(used().await.len(), expected);
        hostel.world.clock.advance(Duration::minutes(5));
    }
}

#[tokio::test]
async fn a_repeated_request_makes_one_key_and_shows_it_once() {
    let log = Log::listen();
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let tries = (0..6).map(|_| hostel.create_key_once(&admin, key(Role::Guard, &[]), "once"));
    let outcomes = futures_util::future::join_all(tries).await;
    let answers: Vec<_> = outcomes.into_iter().map(Result::unwrap).collect();
    let shown: Vec<_> = answers.iter().filter_map(|answer| answer.key.clone()).collect();
    assert_eq!(shown.len(), 1);
    assert!(answers.iter().all(|answer| answer.api_key == answers[0].api_key));
    let other = hostel.create_key_once(&admin, key(Role::Staff, &[]), "once").await;
    assert_eq!(code(other).1, "IDEMPOTENCY_KEY_REUSED");

    let token = hostel.exchange(&shown[0]).await.unwrap().access_token;
    refused(hostel.exchange(&shown[0].to_uppercase()).await);
    let said = log.text() + &hostel.kept().await;
    assert!(said.contains("ExchangeApiKey"), "the log was heard");
    for secret in [&shown[0][10..], token.as_str()] {
        assert!(!said.contains(secret), "{secret}");
    }
}
