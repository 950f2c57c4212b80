//! The operator's commands, on stores that a hostel uses before and after.

use kit::testing::TestStores;

use crate::binary::{Running, done, hostelpulse, on};

fn run(stores: &TestStores, arguments: &[&str], input: &str) -> String {
    let mut command = hostelpulse(arguments);
    command.args(on(stores));
    done(command, input)
}

#[tokio::test]
async fn an_administrator_from_the_console_signs_in() {
    let stores = TestStores::default();
    let create = [
        "users",
        "create-admin",
        "--email",
        "head@hostel.example",
        "--name",
        "Head",
    ];
    let said = run(&stores, &create, "Demo@1234\n");
    assert_eq!(said, "head@hostel.example can sign in as administrator\n");
    let hostel = Running::up(&stores, &[], &[]);
    let admin = hostel.login("head@hostel.example").await;
    let me = hostel.get("/api/v1/auth/me", &admin).await;
    assert_eq!(
        (&me.data()["name"], &me.data()["role"]),
        (&"Head".into(), &"admin".into())
    );
}

#[tokio::test]
async fn past_events_can_be_said_again_and_happen_once() {
    let stores = TestStores::default();
    let hostel = Running::demo(&stores);
    let admin = hostel.login("admin@demo.local").await;
    let all = |answer: &crate::binary::Answer| answer.data()["entries"] == 46;
    let before = hostel.eventually("/api/v1/audit/verify", &admin, all).await;
    assert!(hostel.terminate().success());

    let said = run(&stores, &["events", "replay", "--since", "2020-01-01T00:00:00Z"], "");
    assert!(said.contains("auth: 46 events will be published again"), "{said}");
    let hostel = Running::demo(&stores);
    // The sign-in that follows is the next entry: what came before it was said again and changed nothing.
    let admin = hostel.login("admin@demo.local").await;
    let next = |answer: &crate::binary::Answer| answer.data()["entries"] == 47;
    let after = hostel.eventually("/api/v1/audit/verify", &admin, next).await;
    assert_eq!(
        (&before.data()["intact"], &after.data()["intact"]),
        (&true.into(), &true.into())
    );
    assert!(hostel.terminate().success());
    assert_eq!(run(&stores, &["events", "parked"], ""), "0 parked\n");
}

#[tokio::test]
async fn keys_are_rotated_beside_a_running_hostel_and_nobody_is_signed_out() {
    let stores = TestStores::default();
    let hostel = Running::demo(&stores);
    let before = hostel.login("admin@demo.local").await;
    let said = run(&stores, &["keys", "rotate"], "");
    let (key_id, rest) = said.split_once(' ').unwrap();
    assert!(rest.starts_with("signs from 20"), "{said}");
    let is_published = |answer: &crate::binary::Answer| answer.body.to_string().contains(key_id);
    let keys = hostel.eventually("/.well-known/jwks.json", &before, is_published).await;
    assert_eq!(keys.body["keys"].as_array().unwrap().len(), 2, "{keys:?}");
    let me = hostel.get("/api/v1/auth/me", &before).await;
    assert_eq!(me.data()["email"], "admin@demo.local");
    hostel.login("admin@demo.local").await;
}

#[test]
fn migrating_twice_finds_nothing_left_to_do() {
    let stores = TestStores::default();
    let first = run(&stores, &["migrate"], "");
    assert!(first.contains("auth: 4 migrations applied"), "{first}");
    assert_eq!(run(&stores, &["migrate"], ""), "auth: up to date\naudit: up to date\n");
}

#[test]
fn the_configuration_is_shown_with_its_sources_and_without_its_secrets() {
    let mut command = hostelpulse(&["config", "show", "--cache-url", "redis://default:hush@cache"]);
    command.env(
        "HOSTELPULSE_SERVICE_SECRET",
        "a secret of the installation, long enough",
    );
    command.env("HOSTELPULSE_TOKEN_SECRET", "a secret of people's tokens, long enough");
    command.env("HOSTELPULSE_LIMITS__ENABLED", "false");
    let shown = done(command, "");
    assert!(!shown.contains("hush") && !shown.contains("long enough"), "{shown}");
    for line in [
        "cache_url = redis://default:***@cache    # --cache-url",
        "token_secret = ***    # HOSTELPULSE_TOKEN_SECRET",
        "limits.enabled = false    # HOSTELPULSE_LIMITS__ENABLED",
        "auth.bcrypt_cost = 12    # default",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line} is not in\n{shown}");
    }
}
