//! Leaves as students, wardens and guards live them: the real binary, over HTTP. What is granted excuses from roll calls, also from
//! those that are over, and what is taken back does so no longer.

use chrono::{Days, FixedOffset, NaiveDate, Utc};
use kit::testing::TestStores;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::binary::{Answer, Running};

/// Nobody has to wait for late scans: roll calls are settled as soon as they are closed.
const AT_ONCE: [(&str, &str); 2] = [
    ("HOSTELPULSE_LIMITS__ENABLED", "false"),
    ("HOSTELPULSE_ATTENDANCE__LATE_SYNC_MINUTES", "0"),
];

fn code(answer: &Answer) -> (u16, &str) {
    let code = answer.body["error"]["code"].as_str();
    (answer.status.as_u16(), code.unwrap_or_default())
}

/// The hostel's day, so many days from now.
fn in_days(days: u64) -> NaiveDate {
    #[expect(clippy::disallowed_methods, reason = "a client has a clock of its own")]
    let now = Utc::now();
    let india = FixedOffset::east_opt(19_800).unwrap();
    now.with_timezone(&india).date_naive() + Days::new(days)
}

fn home(from: NaiveDate, to: NaiveDate) -> Value {
    json!({
        "leave_type": "home", "from_date": from, "to_date": to,
        "place_of_visit": "Pune", "parent_phone": "9876543210",
    })
}

async fn ask(hostel: &Running, token: &str, leave: Value) -> Answer {
    hostel
        .call(Method::POST, "/api/v1/leaves", Some(token), Some(leave))
        .await
}

async fn put(hostel: &Running, token: &str, path: &str, body: Value) -> Answer {
    hostel.call(Method::PUT, path, Some(token), Some(body)).await
}

async fn granted(hostel: &Running, student: &str, warden: &str, leave: Value) -> String {
    let asked = ask(hostel, student, leave).await;
    assert_eq!(asked.status, StatusCode::CREATED, "{asked:?}");
    assert_eq!(asked.data()["status"], "pending");
    let id = asked.data()["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/leaves/{id}/approve");
    let granted = put(hostel, warden, &path, json!({})).await;
    assert_eq!(granted.status, StatusCode::OK, "{granted:?}");
    assert_eq!(granted.data()["status"], "approved");
    id
}

/// How a student's mark of today stands, as soon as it is as wanted.
async fn mark_becomes(hostel: &Running, student: &str, wanted: &str) {
    let is_so = |answer: &Answer| answer.data()[0]["status"] == wanted;
    hostel.eventually("/api/v1/attendance/me", student, is_so).await;
}

/// Holds a roll call of block A and the first year that nobody scans, and ends it.
async fn roll_call(hostel: &Running, guard: &str) {
    let wanted = json!({ "block": "A", "year": 1, "duration_minutes": 5 });
    let path = "/api/v1/attendance/generate-qr";
    let opened = hostel.call(Method::POST, path, Some(guard), Some(wanted)).await;
    assert_eq!(opened.status, StatusCode::CREATED, "{opened:?}");
    let id = opened.data()["session_id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/attendance/sessions/{id}");
    hostel
        .eventually(&path, guard, |answer| answer.data()["counts"]["total"] == 6)
        .await;
    let closed = hostel
        .call(Method::PUT, &format!("{path}/close"), Some(guard), None)
        .await;
    assert_eq!(closed.status, StatusCode::OK, "{closed:?}");
    hostel
        .eventually(&path, guard, |answer| answer.data()["status"] == "settled")
        .await;
}

#[tokio::test]
async fn a_leave_excuses_from_a_roll_call_that_is_over() {
    let stores = TestStores::default();
    let hostel = Running::up(&stores, &["--demo"], &AT_ONCE);
    let (guard, warden) = (
        hostel.login("guard@demo.local").await,
        hostel.login("warden@demo.local").await,
    );
    let asha = hostel.login("student@demo.local").await;
    roll_call(&hostel, &guard).await;
    mark_becomes(&hostel, &asha, "absent").await;
    // She was away, and says so now.
    let late = json!({ "retroactive": true, "leave_type": "medical" });
    let mut leave = home(in_days(0) - Days::new(1), in_days(1));
    for (name, value) in late.as_object().unwrap() {
        leave[name] = value.clone();
    }
    let id = granted(&hostel, &asha, &warden, leave).await;
    mark_becomes(&hostel, &asha, "excused").await;
    // It was granted by mistake: she cannot take it back any more, the warden does, and it excuses her no longer.
    let path = format!("/api/v1/leaves/{id}");
    let begun = hostel.call(Method::DELETE, &path, Some(&asha), None).await;
    assert_eq!(code(&begun), (422, "LEAVE_BEGUN"), "{begun:?}");
    let gone = hostel.call(Method::DELETE, &path, Some(&warden), None).await;
    assert_eq!(gone.data()["status"], "cancelled", "{gone:?}");
    mark_becomes(&hostel, &asha, "absent").await;
    assert!(hostel.terminate().success());
}

#[tokio::test]
async fn an_excuse_goes_with_the_leave() {
    let stores = TestStores::default();
    let hostel = Running::up(&stores, &["--demo"], &AT_ONCE);
    let warden = hostel.login("warden@demo.local").await;
    let (asha, bilal) = (
        hostel.login("student@demo.local").await,
        hostel.login("student2@demo.local").await,
    );
    let id = granted(&hostel, &asha, &warden, home(in_days(2), in_days(5))).await;

    // Its days are taken; another's are not, and nobody else sees it.
    let again = ask(&hostel, &asha, home(in_days(5), in_days(6))).await;
    assert_eq!(code(&again), (409, "LEAVE_OVERLAP"), "{again:?}");
    assert_eq!(again.body["error"]["details"]["leave_id"], id);
    let path = format!("/api/v1/leaves/{id}");
    assert_eq!(hostel.get(&path, &bilal).await.status, StatusCode::NOT_FOUND);
    let guard = hostel.login("guard@demo.local").await;
    let seen = hostel.get(&path, &guard).await;
    assert_eq!(seen.data()["student"]["name"], "Asha Verma", "{seen:?}");
    assert_eq!(seen.data()["place_of_visit"], "");

    // Decided once.
    let rejected = put(&hostel, &warden, &format!("{path}/reject"), json!({ "comments": "No" })).await;
    assert_eq!(code(&rejected), (409, "ALREADY_DECIDED"), "{rejected:?}");
    assert_eq!(rejected.body["error"]["details"]["status"], "approved");
    let silent = put(&hostel, &warden, &format!("{path}/reject"), json!({})).await;
    assert_eq!(code(&silent), (400, "VALIDATION_ERROR"), "{silent:?}");

    // Taken back before it begins, its days are free again.
    let gone = hostel.call(Method::DELETE, &path, Some(&asha), None).await;
    assert_eq!(gone.data()["status"], "cancelled", "{gone:?}");
    let anew = ask(&hostel, &asha, home(in_days(5), in_days(6))).await;
    assert_eq!(anew.status, StatusCode::CREATED, "{anew:?}");
    let trail = format!("/api/v1/audit?resource_id={id}");
    let all = |answer: &Answer| answer.body["pagination"]["total_items"] == 3;
    let trail = hostel.eventually(&trail, &warden, all).await;
    assert_eq!(trail.data()[0]["resource_type"], "leave", "{trail:?}");
}

#[tokio::test]
async fn all_that_is_wrong_with_a_request_is_one_answer() {
    let stores = TestStores::default();
    let hostel = Running::demo(&stores);
    let asha = hostel.login("student@demo.local").await;
    let wrong = json!({
        "leave_type": "party", "from_date": "2020-01-01", "to_date": "2019-12-31",
        "place_of_visit": " ", "parent_phone": "12345",
    });
    let refused = ask(&hostel, &asha, wrong).await;
    assert_eq!(code(&refused), (400, "VALIDATION_ERROR"), "{refused:?}");
    let details = refused.body["error"]["details"].as_array().unwrap();
    let fields: Vec<_> = details.iter().map(|one| one["field"].as_str().unwrap()).collect();
    assert_eq!(
        fields,
        ["leave_type", "from_date", "to_date", "place_of_visit", "parent_phone"]
    );
    let long = ask(&hostel, &asha, home(in_days(1), in_days(91))).await;
    assert_eq!(long.body["error"]["details"][0]["field"], "to_date", "{long:?}");
}

#[tokio::test]
async fn the_demo_has_a_leave_that_waits_and_one_that_is_granted() {
    let stores = TestStores::default();
    let hostel = Running::demo(&stores);
    let warden = hostel.login("warden@demo.local").await;
    let is_known = |answer: &Answer| answer.data()[0]["student"]["name"] == "Esha Verma";
    let all = hostel.eventually("/api/v1/leaves", &warden, is_known).await;
    let states: Vec<_> = all
        .data()
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["status"])
        .collect();
    assert_eq!(states, ["pending", "approved"], "{all:?}");
    let of_block = hostel.get("/api/v1/leaves?block=a&status=approved", &warden).await;
    assert_eq!(of_block.body["pagination"]["total_items"], 1, "{of_block:?}");
    let elsewhere = hostel.get("/api/v1/leaves?block=B", &warden).await;
    assert_eq!(elsewhere.body["pagination"]["total_items"], 0, "{elsewhere:?}");
}
