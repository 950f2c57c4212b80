//! The demo, from the first sign-in to a power cut.

use kit::testing::TestStores;
use reqwest::{Method, StatusCode};
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};

use crate::binary::Running;

const EVERYBODY: [(&str, &str); 8] = [
    ("admin@demo.local", "admin"),
    ("warden@demo.local", "warden"),
    ("guard@demo.local", "guard"),
    ("staff@demo.local", "staff"),
    ("teacher@demo.local", "teacher"),
    ("student@demo.local", "student"),
    ("student2@demo.local", "student"),
    ("REG-2026-001", "student"),
];

#[tokio::test]
async fn everybody_of_the_demo_signs_in() {
    let stores = TestStores::default();
    let hostel = Running::demo(&stores);
    assert!(
        hostel.ready.contains("admin@") && hostel.ready.contains("Demo@1234"),
        "{}",
        hostel.ready
    );
    for (identifier, role) in EVERYBODY {
        let token = hostel.login(identifier).await;
        let me = hostel.get("/api/v1/auth/me", &token).await;
        assert_eq!(me.data()["role"], role, "{identifier}");
    }
    let token = hostel.login("admin@demo.local").await;
    let students = hostel.get("/api/v1/users?role=student&limit=100", &token).await;
    assert_eq!(students.body["pagination"]["total_items"], 40);
}

/// The fields of each that a path lists.
async fn column(hostel: &Running, path: &str, token: &str, field: &str) -> Vec<Value> {
    let answer = hostel.get(path, token).await;
    assert_eq!(answer.status, StatusCode::OK, "{path} {answer:?}");
    let rows = answer.data().as_array().unwrap();
    rows.iter().map(|row| row[field].clone()).collect()
}

#[tokio::test]
async fn every_student_of_the_demo_lives_somewhere() {
    let stores = TestStores::default();
    let hostel = Running::demo(&stores);
    let warden = hostel.login("warden@demo.local").await;
    let student = hostel.login("student@demo.local").await;
    let second = hostel.login("student2@demo.local").await;
    let own = hostel.get("/api/v1/students/me", &student).await;
    let record = own.data();
    assert_eq!(record["registration_no"], "REG-2026-001", "{own:?}");
    assert_eq!((&record["year"], &record["semester"]), (&json!(1), &json!(1)));
    assert_eq!(
        (&record["room"]["room_no"], &record["room"]["block"]),
        (&json!("A-101"), &json!("A"))
    );
    let me = hostel.get("/api/v1/auth/me", &student).await;
    assert_eq!(
        (&record["id"], &record["user_id"]),
        (&me.data()["id"], &me.data()["id"])
    );
    let other = hostel.get("/api/v1/students/me", &second).await;
    assert_eq!(
        (&other.data()["room"]["block"], &other.data()["year"]),
        (&json!("A"), &json!(1))
    );
    let all = hostel.get("/api/v1/students", &warden).await;
    assert_eq!(all.body["pagination"]["total_items"], 40);

    let rooms = column(&hostel, "/api/v1/rooms?limit=100", &warden, "room_no").await;
    assert_eq!(
        (rooms.len(), &rooms[0], &rooms[10]),
        (20, &json!("A-101"), &json!("B-101"))
    );
    let occupied = column(&hostel, "/api/v1/rooms?limit=100", &warden, "occupied").await;
    assert!(occupied.iter().all(|people| *people == 2), "{occupied:?}");
    let path = format!("/api/v1/rooms/{}", record["room"]["id"].as_str().unwrap());
    let residents = hostel.get(&path, &warden).await;
    assert_eq!(
        residents.data()["students"].as_array().unwrap().len(),
        2,
        "{residents:?}"
    );
    let seen = hostel.get(&path, &student).await;
    assert_eq!((seen.status, &seen.data()["students"]), (StatusCode::OK, &json!([])));
    let elsewhere = column(&hostel, "/api/v1/rooms?block=b", &warden, "id").await;
    let elsewhere = format!("/api/v1/rooms/{}", elsewhere[0].as_str().unwrap());
    assert_eq!(hostel.get(&elsewhere, &student).await.status, StatusCode::NOT_FOUND);

    let blocks = hostel.get("/api/v1/blocks", &warden).await;
    let first = &blocks.data()[0];
    assert_eq!(
        (&first["block"], &first["rooms"], &first["occupied"]),
        (&json!("A"), &json!(10), &json!(20))
    );
    assert_eq!(first["location"], json!({ "latitude": 28.6139, "longitude": 77.209 }));
    assert_eq!(blocks.data()[1]["block"], "B");
    let registered = "/api/v1/audit?action=hostelpulse.student.registered.v1";
    hostel
        .eventually(registered, &warden, |answer| {
            answer.body["pagination"]["total_items"] == 40
        })
        .await;
}

/// Killed when the accounts were there and the students were not.
#[tokio::test]
async fn a_demo_that_was_cut_short_is_completed() {
    let stores = TestStores::default();
    let hostel = Running::demo(&stores);
    let id = hostel
        .get("/api/v1/students/me", &hostel.login("student@demo.local").await)
        .await
        .data()["id"]
        .clone();
    assert!(hostel.terminate().success());
    let config = stores.config();
    let found = config.base.stores().unwrap();
    let db = kit::service::open_database(&config, &found, "students").await.unwrap();
    let txn = db.begin().await.unwrap();
    for table in ["stay", "student_word", "student", "room", "block", "outbox"] {
        txn.execute_unprepared(&format!("DELETE FROM {table}")).await.unwrap();
    }
    txn.commit().await.unwrap();
    db.close().await.unwrap();

    let hostel = Running::demo(&stores);
    let again = hostel
        .get("/api/v1/students/me", &hostel.login("student@demo.local").await)
        .await;
    assert_eq!(
        (&again.data()["id"], &again.data()["room"]["room_no"]),
        (&id, &json!("A-101"))
    );
    assert!(hostel.terminate().success());
    let hostel = Running::demo(&stores);
    let warden = hostel.login("warden@demo.local").await;
    let all = hostel.get("/api/v1/students", &warden).await;
    assert_eq!(
        all.body["pagination"]["total_items"], 40,
        "a third start changes nothing"
    );
}

#[tokio::test]
async fn what_happened_stands_in_the_trail_also_after_a_power_cut() {
    let stores = TestStores::default();
    let hostel = Running::demo(&stores);
    let admin = hostel.login("admin@demo.local").await;
    let new = json!({ "email": "new@demo.local", "name": "New Guard", "role": "guard", "password": "Gate#2026x" });
    let created = hostel
        .call(Method::POST, "/api/v1/users", Some(&admin), Some(new))
        .await;
    assert_eq!(created.status, StatusCode::CREATED, "{created:?}");
    let id = created.data()["id"].as_str().unwrap().to_owned();
    hostel.kill();

    let hostel = Running::demo(&stores);
    let admin = hostel.login("admin@demo.local").await;
    assert_eq!(
        hostel.get(&format!("/api/v1/users/{id}"), &admin).await.data()["email"],
        "new@demo.local"
    );
    let entries = format!("/api/v1/audit?resource_id={id}");
    let trail = hostel
        .eventually(&entries, &admin, |answer| answer.body["pagination"]["total_items"] == 1)
        .await;
    let entry = &trail.data()[0];
    assert_eq!(entry["action"], "hostelpulse.user.created.v1");
    assert_eq!(entry["actor"]["role"], "admin");
    assert_eq!(entry["actor"]["ip"], "127.0.0.1");
    assert_eq!(entry["changes"]["user"]["email"], "new@demo.local");
    let verdict = hostel
        .eventually("/api/v1/audit/verify", &admin, |answer| {
            answer.data()["entries"].as_u64() >= Some(109)
        })
        .await;
    assert_eq!(verdict.data()["intact"], true, "{verdict:?}");
    assert!(hostel.terminate().success());
}

#[tokio::test]
async fn the_trail_is_a_file_for_spreadsheets_too() {
    let stores = TestStores::default();
    let hostel = Running::demo(&stores);
    let warden = hostel.login("warden@demo.local").await;
    let trail = "/api/v1/audit?format=csv";
    let all = |answer: &crate::binary::Answer| answer.body.as_str().is_some_and(|text| text.lines().count() > 45);
    let file = hostel.eventually(trail, &warden, all).await;
    let text = file.body.as_str().unwrap();
    assert!(text.starts_with("sequence,id,occurred_at,actor_id"), "{text}");
}

#[tokio::test]
async fn the_pages_that_belong_to_no_service() {
    let stores = TestStores::default();
    let hostel = Running::demo(&stores);
    for path in [
        "/health/live",
        "/health/ready",
        "/openapi.json",
        "/.well-known/jwks.json",
    ] {
        let answer = hostel.call(Method::GET, path, None, None).await;
        assert_eq!(answer.status, StatusCode::OK, "{path} {answer:?}");
    }
    let keys = hostel.call(Method::GET, "/.well-known/jwks.json", None, None).await;
    assert_eq!(keys.body["keys"][0]["kty"], "OKP");
    assert!(
        keys.body["keys"][0].get("d").is_none(),
        "the private half stays where it is"
    );
    let metrics = hostel.call(Method::GET, "/metrics", None, None).await;
    assert!(
        metrics.body.as_str().is_some_and(|text| text.contains("# TYPE")),
        "{metrics:?}"
    );
}

#[tokio::test]
async fn the_first_administrator_comes_from_the_environment() {
    let stores = TestStores::default();
    let environment = [
        ("HOSTELPULSE_ADMIN_EMAIL", "head@hostel.example"),
        ("HOSTELPULSE_ADMIN_PASSWORD", "Demo@1234"),
    ];
    let hostel = Running::up(&stores, &[], &environment);
    let admin = hostel.login("head@hostel.example").await;
    assert_eq!(
        hostel.get("/api/v1/users", &admin).await.body["pagination"]["total_items"],
        1
    );
}
