//! What the databases of all services hold, looked at as a thief would: every table, every column.

use std::time::{Duration, Instant};

use kit::testing::{TestStores, contents};
use reqwest::{Method, StatusCode};
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection, Statement};
use serde_json::json;

use crate::binary::{Answer, Running};

const SERVICES: [&str; 3] = ["auth", "students", "audit"];
const PATIENCE: Duration = Duration::from_mins(1);

async fn database(stores: &TestStores, service: &str) -> DatabaseConnection {
    let url = stores.config().base.stores().unwrap().database_of(service);
    Database::connect(url.as_str()).await.unwrap()
}

/// The lines of all databases that have one of these words, whatever its case.
async fn lines_with(stores: &TestStores, words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for service in SERVICES {
        let db = database(stores, service).await;
        let says = |line: &String| {
            words
                .iter()
                .any(|word| line.to_lowercase().contains(&word.to_lowercase()))
        };
        let lines = contents(&db).await.into_iter().filter(says);
        found.extend(lines.map(|line| format!("{service}: {line}")));
        db.close().await.unwrap();
    }
    found
}

async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < PATIENCE, "never: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Nothing waits to be told to the others.
async fn all_is_told(stores: &TestStores) {
    for service in SERVICES {
        let db = database(stores, service).await;
        eventually("everything is published", async || {
            let sql = "SELECT 1 AS one FROM outbox WHERE published_at IS NULL";
            let waiting = Statement::from_string(db.get_database_backend(), sql);
            db.query_one_raw(waiting).await.unwrap().is_none()
        })
        .await;
        db.close().await.unwrap();
    }
}

#[tokio::test]
async fn nothing_tells_who_was_erased() {
    let stores = TestStores::default();
    let hostel = Running::demo(&stores);
    let admin = hostel.login("admin@demo.local").await;
    let student = hostel.login("student@demo.local").await;
    let own = hostel.get("/api/v1/students/me", &student).await;
    let path = format!("/api/v1/students/{}", own.data()["id"].as_str().unwrap());
    let rename = json!({ "name": "Asha Vermaworth", "address": "77 Hidden Lane", "phone": "9123456780" });
    let renamed = hostel.call(Method::PUT, &path, Some(&admin), Some(rename)).await;
    assert_eq!(renamed.status, StatusCode::OK, "{renamed:?}");
    let words = ["vermaworth", "student@demo.local", "reg-2026-001"];
    for word in words {
        for service in ["auth: ", "students: ", "audit: "] {
            eventually(&format!("{service}{word}: else this test finds nothing"), async || {
                let lines = lines_with(&stores, &[word]).await;
                lines.iter().any(|line| line.starts_with(service))
            })
            .await;
        }
    }
    let sealed = [
        "9000000001",
        "9000000101",
        "1 Lake Road",
        "77 Hidden Lane",
        "9123456780",
    ];
    assert_eq!(
        lines_with(&stores, &sealed).await,
        Vec::<String>::new(),
        "sealed at rest"
    );

    let erased = hostel
        .call(Method::POST, &format!("{path}/erase"), Some(&admin), None)
        .await;
    assert_eq!(erased.status, StatusCode::OK, "{erased:?}");
    let trail = format!(
        "/api/v1/audit?limit=100&resource_id={}",
        own.data()["id"].as_str().unwrap()
    );
    let has_heard = |answer: &Answer| {
        let entries = answer.data().as_array().unwrap();
        let says = |kind: &str| entries.iter().any(|entry| entry["action"] == kind);
        says("hostelpulse.student.erased.v1") && says("hostelpulse.user.erased.v1")
    };
    hostel.eventually(&trail, &admin, has_heard).await;
    all_is_told(&stores).await;
    // What was published after she was erased is forgotten by the hour, the first time at a start.
    assert!(hostel.terminate().success());
    let hostel = Running::up(&stores, &[], &[]);
    let mut left = Vec::new();
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        left = lines_with(&stores, &words).await;
        if left.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(left, Vec::<String>::new());
    let verdict = hostel
        .get("/api/v1/audit/verify", &hostel.login("admin@demo.local").await)
        .await;
    assert_eq!(verdict.data()["intact"], true, "{verdict:?}");
}

#[tokio::test]
async fn the_metrics_say_when_nothing_needs_an_older_key() {
    let stores = TestStores::default();
    let hostel = Running::demo(&stores);
    let is_said = async |hostel: &Running, count: u32| {
        let line = format!("sealed_with_older_keys{{service=\"students\"}} {count}");
        eventually(&line, async || {
            let metrics = hostel.call(Method::GET, "/metrics", None, None).await;
            metrics.body.as_str().unwrap().lines().any(|one| one == line)
        })
        .await;
    };
    is_said(&hostel, 0).await;
    assert!(hostel.terminate().success());
    let db = database(&stores, "students").await;
    let sql = "UPDATE student SET private = $1 WHERE registration_no = 'REG-2026-001'";
    let no_key = vec![1_u8; 60];
    let spoil = Statement::from_sql_and_values(db.get_database_backend(), sql, [no_key.into()]);
    assert_eq!(db.execute_raw(spoil).await.unwrap().rows_affected(), 1);
    db.close().await.unwrap();
    let hostel = Running::up(&stores, &[], &[]);
    is_said(&hostel, 1).await;
}
