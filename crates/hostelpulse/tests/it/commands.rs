//! The operator's commands, on stores that a hostel uses before and after.

use kit::{
    events::outbox,
    testing::{TestStores, until},
};
use sea_orm::ConnectionTrait as _;
use serde_json::json;

use crate::binary::{Running, done, hostelpulse, on};

/// What is told of the demo's two blocks, twenty rooms and forty students.
const LIVING: u64 = 62;
/// Two leaves that were asked for, one of them granted.
const LEAVES: u64 = 3;
/// What is told of the demo's grievances.
const GRIEVED: u64 = 7;

fn run(stores: &TestStores, arguments: &[&str], input: &str) -> String {
    let mut command = hostelpulse(arguments);
    command.args(on(stores));
    done(command, input)
}

/// Waits until nothing waits: what one consumer has applied may be on its way to another.
async fn all_is_published(stores: &TestStores) {
    let config = stores.config();
    let found = config.base.stores().unwrap();
    for service in ["auth", "students", "leave", "grievance"] {
        let db = kit::service::open_database(&config, &found, service).await.unwrap();
        until("an empty outbox", async || {
            (outbox::backlog(&db).await.unwrap().waiting == 0).then_some(())
        })
        .await;
        db.close().await.unwrap();
    }
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
    let all = |answer: &crate::binary::Answer| answer.data()["entries"] == 46 + LIVING + LEAVES + GRIEVED;
    let before = hostel.eventually("/api/v1/audit/verify", &admin, all).await;
    all_is_published(&stores).await;
    assert!(hostel.terminate().success());

    let said = run(&stores, &["events", "replay", "--since", "2020-01-01T00:00:00Z"], "");
    assert!(said.contains("auth: 46 events will be published again"), "{said}");
    let living = format!("students: {LIVING} events will be published again");
    assert!(said.contains(&living), "{said}");
    let leaves = format!("leave: {LEAVES} events will be published again");
    assert!(said.contains(&leaves), "{said}");
    let hostel = Running::demo(&stores);
    // The sign-in that follows is the next entry: what came before it was said again and changed nothing.
    let admin = hostel.login("admin@demo.local").await;
    let next = |answer: &crate::binary::Answer| answer.data()["entries"] == 47 + LIVING + LEAVES + GRIEVED;
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

#[tokio::test]
async fn master_keys_are_rotated_in_their_file_beside_a_running_hostel() {
    let stores = TestStores::default();
    let _hostel = Running::demo(&stores);
    let file = stores.config().base.data.join("master.keys");
    let before = std::fs::read_to_string(&file).unwrap();
    let said = run(&stores, &["keys", "rotate", "data"], "");
    let (key_id, rest) = said.split_once(' ').unwrap();
    assert!(rest.starts_with("seals from now on; "), "{said}");
    let after = std::fs::read_to_string(&file).unwrap();
    assert!(
        after.starts_with(&format!("{key_id}:")) && after.ends_with(&before),
        "{said}"
    );
    let both = run(&stores, &["keys", "rotate"], "");
    let lines: Vec<&str> = both.lines().collect();
    assert!(
        lines[0].contains(" signs from 20") && lines[1].contains(" seals from now on"),
        "{both}"
    );
}

#[test]
fn configured_master_keys_are_rotated_in_two_steps() {
    let key = "k1:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
    let mut command = hostelpulse(&["keys", "rotate", "data"]);
    command.env("HOSTELPULSE_MASTER_KEYS", key);
    let said = done(command, "");
    let values: Vec<&str> = said
        .lines()
        .filter_map(|line| line.strip_prefix("HOSTELPULSE_MASTER_KEYS="))
        .collect();
    let [first, then] = values[..] else { panic!("{said}") };
    let new = first.strip_prefix(&format!("{key},")).unwrap();
    assert_eq!(then, format!("{new},{key}"));
    let mut check = hostelpulse(&["config", "check"]);
    check.env("HOSTELPULSE_MASTER_KEYS", then);
    done(check, "");
}

/// The database of a service is gone, as after a disk died.
async fn lose(stores: &TestStores, service: &str) {
    let url = stores.config().base.stores().unwrap().database_of(service);
    if url.scheme() == "sqlite" {
        for ending in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{ending}", url.path()));
        }
        return;
    }
    let mut server = url.clone();
    server.set_path("/postgres");
    let server = sea_orm::Database::connect(server.as_str()).await.unwrap();
    let name = url.path().trim_start_matches('/');
    let drop = format!("DROP DATABASE \"{name}\" WITH (FORCE)");
    server.execute_unprepared(&drop).await.unwrap();
}

#[tokio::test]
async fn accounts_that_were_lost_come_back_from_the_records_of_students() {
    let stores = TestStores::default();
    let hostel = Running::demo(&stores);
    let own = hostel.login("student@demo.local").await;
    let own = hostel.get("/api/v1/students/me", &own).await;
    assert!(hostel.terminate().success());
    lose(&stores, "auth").await;
    let again = |times: &str| {
        let said = run(&stores, &["projections", "rebuild", "auth"], "");
        assert_eq!(said, "auth: 40 records were read anew\n", "{times}");
    };
    again("from nothing");
    again("once more");
    let admin = [
        "users",
        "create-admin",
        "--email",
        "head@hostel.example",
        "--name",
        "Head",
    ];
    run(&stores, &admin, "Demo@1234\n");
    let hostel = Running::up(&stores, &[], &[]);
    let admin = hostel.login("head@hostel.example").await;
    let students = hostel
        .get("/api/v1/users?role=student&limit=100&sort_by=email", &admin)
        .await;
    assert_eq!(students.body["pagination"]["total_items"], 40, "{students:?}");
    let account = hostel
        .get(&format!("/api/v1/users/{}", own.data()["id"].as_str().unwrap()), &admin)
        .await;
    assert_eq!(
        (
            &account.data()["email"],
            &account.data()["registration_no"],
            &account.data()["is_active"]
        ),
        (&json!("student@demo.local"), &json!("REG-2026-001"), &json!(true))
    );
}

#[test]
fn a_service_that_keeps_nothing_of_others_says_so() {
    let stores = TestStores::default();
    let said = run(&stores, &["projections", "rebuild", "audit"], "");
    assert_eq!(said, "audit keeps nothing of other services\n");
    let unknown = hostelpulse(&["projections", "rebuild", "kitchen"]).output().unwrap();
    let said = String::from_utf8(unknown.stderr).unwrap();
    assert!(!unknown.status.success());
    assert!(
        said.contains("expected one of auth, students, attendance, leave, grievance, audit"),
        "{said}"
    );
}

#[test]
fn migrating_twice_finds_nothing_left_to_do() {
    let stores = TestStores::default();
    let first = run(&stores, &["migrate"], "");
    assert!(first.contains("auth: 5 migrations applied"), "{first}");
    assert_eq!(
        run(&stores, &["migrate"], ""),
        "auth: up to date\n\
         students: up to date\n\
         attendance: up to date\n\
         leave: up to date\n\
         grievance: up to date\n\
         audit: up to date\n"
    );
}

#[test]
fn the_configuration_is_shown_with_its_sources_and_without_its_secrets() {
    let mut command = hostelpulse(&["config", "show", "--cache-url", "redis://default:hush@cache"]);
    command.env(
        "HOSTELPULSE_SERVICE_SECRET",
        "a secret of the installation, long enough",
    );
    command.env("HOSTELPULSE_TOKEN_SECRET", "a secret of people's tokens, long enough");
    command.env(
        "HOSTELPULSE_MASTER_KEYS",
        "k1:bG9uZyBlbm91Z2gsIGxvbmcgZW5vdWdoLCBlbm91Z2g=",
    );
    command.env("HOSTELPULSE_LIMITS__ENABLED", "false");
    let shown = done(command, "");
    assert!(
        !shown.contains("hush") && !shown.contains("bG9uZ") && !shown.contains("long enough"),
        "{shown}"
    );
    for line in [
        "cache_url = redis://default:***@cache    # --cache-url",
        "token_secret = ***    # HOSTELPULSE_TOKEN_SECRET",
        "master_keys = ***    # HOSTELPULSE_MASTER_KEYS",
        "limits.enabled = false    # HOSTELPULSE_LIMITS__ENABLED",
        "auth.bcrypt_cost = 12    # default",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line} is not in\n{shown}");
    }
}
