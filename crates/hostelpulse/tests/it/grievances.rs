//! Grievances as the people of a hostel live them: the real binary, over HTTP.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicU64, Ordering},
};

use futures_util::future::join_all;
use kit::testing::TestStores;
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

use crate::binary::{Answer, Running};

const PATH: &str = "/api/v1/grievances";

fn code(answer: &Answer) -> (u16, &str) {
    let code = answer.body["error"]["code"].as_str();
    (answer.status.as_u16(), code.unwrap_or_default())
}

/// A demo whose people may ask as often as a test needs.
fn demo(stores: &TestStores) -> Running {
    Running::up(stores, &["--demo"], &[("HOSTELPULSE_LIMITS__ENABLED", "false")])
}

fn fan() -> Value {
    json!({
        "category": "electrical",
        "sub_category": "fan",
        "priority": "high",
        "description": "The ceiling fan makes a loud noise.",
    })
}

/// Raises one, once, however often a busy machine says that it is to be asked again.
async fn raise(hostel: &Running, token: &str, body: Value) -> Answer {
    static RAISED: AtomicU64 = AtomicU64::new(0);
    let key = format!("raise-{}", RAISED.fetch_add(1, Ordering::Relaxed));
    hostel.insist(PATH, token, &body, &key).await
}

async fn put(hostel: &Running, token: &str, path: &str, body: Value) -> Answer {
    let path = format!("{PATH}/{path}");
    hostel.call(Method::PUT, &path, Some(token), Some(body)).await
}

async fn id_of(hostel: &Running, token: &str) -> String {
    let me = hostel.get("/api/v1/auth/me", token).await;
    me.data()["id"].as_str().unwrap().to_owned()
}

/// The smallest picture there is, nearly.
fn picture() -> Vec<u8> {
    let text = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";
    base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text).unwrap()
}

async fn upload(hostel: &Running, token: &str, ticket: &str, bytes: Vec<u8>) -> Answer {
    let head = "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"fan.png\"\r\nContent-Type: image/png\r\n\r\n";
    let body = [head.as_bytes(), &bytes, b"\r\n--edge--\r\n"].concat();
    let request = hostel.request(Method::POST, &format!("{PATH}/{ticket}/images"));
    let request = request.header(header::CONTENT_TYPE, "multipart/form-data; boundary=edge");
    let response = request.bearer_auth(token).body(body).send().await.unwrap();
    Answer {
        status: response.status(),
        body: response.json().await.unwrap(),
    }
}

#[tokio::test]
async fn a_grievance_from_the_first_word_to_the_last() {
    let stores = TestStores::default();
    let hostel = demo(&stores);
    let (student, other) = (
        hostel.login("student@demo.local").await,
        hostel.login("student2@demo.local").await,
    );
    let (warden, staff) = (
        hostel.login("warden@demo.local").await,
        hostel.login("staff@demo.local").await,
    );
    // Whoever is known to the service has a name there.
    let known = |answer: &Answer| answer.data()[0]["student"]["name"] != "";
    hostel.eventually(PATH, &warden, known).await;
    let raised = raise(&hostel, &student, fan()).await;
    assert_eq!(raised.status, StatusCode::CREATED, "{raised:?}");
    let ticket = raised.data()["ticket_id"].as_str().unwrap();
    assert!(ticket.starts_with("GRV-") && ticket.len() == 14, "{ticket}");
    assert_eq!(
        (
            &raised.data()["status"],
            &raised.data()["priority"],
            &raised.data()["overdue"]
        ),
        (&json!("open"), &json!("high"), &json!(false))
    );
    assert_eq!(raised.data()["student"]["room_no"], "A-101");
    for (token, status) in [(&other, 404), (&staff, 404), (&warden, 200), (&student, 200)] {
        let read = hostel.get(&format!("{PATH}/{ticket}"), token).await;
        assert_eq!(read.status.as_u16(), status, "{read:?}");
    }
    pictures(&hostel, (&student, &warden), ticket).await;

    let sunita = id_of(&hostel, &staff).await;
    let assigned = put(&hostel, &warden, ticket, json!({ "assigned_to": sunita })).await;
    assert_eq!(
        (&assigned.data()["assigned_to"], &assigned.data()["assigned_to_name"]),
        (&json!(sunita), &json!("Sunita Staff")),
        "{assigned:?}"
    );
    let wrong = put(
        &hostel,
        &warden,
        ticket,
        json!({ "assigned_to": id_of(&hostel, &warden).await }),
    )
    .await;
    assert_eq!(code(&wrong), (422, "NOT_STAFF"), "{wrong:?}");
    let begun = put(&hostel, &staff, ticket, json!({ "status": "in_progress" })).await;
    assert_eq!(begun.data()["status"], "in_progress", "{begun:?}");
    let forbidden = put(&hostel, &staff, ticket, json!({ "priority": "low" })).await;
    assert_eq!(code(&forbidden), (403, "FORBIDDEN"));
    let resolved = put(
        &hostel,
        &warden,
        &format!("{ticket}/resolve"),
        json!({ "comments": "New capacitor." }),
    )
    .await;
    assert_eq!(resolved.data()["status"], "resolved", "{resolved:?}");
    let twice = put(
        &hostel,
        &warden,
        &format!("{ticket}/resolve"),
        json!({ "comments": "Once more." }),
    )
    .await;
    assert_eq!(code(&twice), (409, "CONFLICT"));
    assert_eq!(twice.body["error"]["details"]["status"], "resolved");
    let reopened = put(&hostel, &student, &format!("{ticket}/reopen"), json!({})).await;
    assert_eq!(reopened.data()["status"], "open", "{reopened:?}");
    put(
        &hostel,
        &warden,
        &format!("{ticket}/resolve"),
        json!({ "comments": "New fan." }),
    )
    .await;
    let path = format!("{PATH}/{ticket}/rating");
    let rated = hostel
        .call(Method::POST, &path, Some(&student), Some(json!({ "rating": 5 })))
        .await;
    assert_eq!(
        (rated.status, &rated.data()["rating"]),
        (StatusCode::OK, &json!(5)),
        "{rated:?}"
    );

    its_past(&hostel, (&student, &warden), ticket, &raised).await;
}

/// What the history and the trail say of it.
async fn its_past(hostel: &Running, (student, warden): (&str, &str), ticket: &str, raised: &Answer) {
    let history = hostel.get(&format!("{PATH}/{ticket}/history?limit=100"), student).await;
    let statuses: Vec<&str> = history
        .data()
        .as_array()
        .unwrap()
        .iter()
        .filter(|change| change["field"] == "status")
        .map(|change| change["after"].as_str().unwrap())
        .collect();
    assert_eq!(
        statuses,
        ["open", "in_progress", "resolved", "open", "resolved"],
        "{history:?}"
    );
    let trail = format!(
        "/api/v1/audit?resource_id={}&limit=100",
        raised.data()["id"].as_str().unwrap()
    );
    let whole = |answer: &Answer| answer.body["pagination"]["total_items"] == 8;
    let trail = hostel.eventually(&trail, warden, whole).await;
    assert!(!trail.body.to_string().contains("ceiling"), "{trail:?}");
}

/// A picture is added, told of, and fetched by its link without a token.
async fn pictures(hostel: &Running, (student, warden): (&str, &str), ticket: &str) {
    let added = upload(hostel, student, ticket, picture()).await;
    assert_eq!(added.status, StatusCode::CREATED, "{added:?}");
    let no_picture = upload(hostel, student, ticket, b"%PDF-1.7 a paper".to_vec()).await;
    assert_eq!(code(&no_picture), (415, "UNSUPPORTED_MEDIA_TYPE"));
    let theirs = upload(hostel, &hostel.login("student2@demo.local").await, ticket, picture()).await;
    assert_eq!(code(&theirs), (404, "NOT_FOUND"));
    let read = hostel.get(&format!("{PATH}/{ticket}"), warden).await;
    let url = reqwest::Url::parse(read.data()["images"][0]["url"].as_str().unwrap()).unwrap();
    let link = format!("{}?{}", url.path(), url.query().unwrap());
    let fetched = hostel.request(Method::GET, &link).send().await.unwrap();
    assert_eq!(fetched.status(), StatusCode::OK);
    assert_eq!(fetched.headers()[header::CONTENT_TYPE], "image/png");
    assert!(fetched.bytes().await.unwrap().starts_with(b"\x89PNG"));
    let forged = hostel
        .request(Method::GET, &link.replace("signature=", "signature=A"))
        .send()
        .await
        .unwrap();
    assert_eq!(forged.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn many_at_once_are_numbered_without_gaps_also_after_a_power_cut() {
    const EACH: usize = 4;
    let stores = TestStores::default();
    let hostel = demo(&stores);
    let warden = hostel.login("warden@demo.local").await;
    let mut tokens = Vec::new();
    for number in 1..=10 {
        tokens.push(hostel.login(&format!("REG-2026-{number:03}")).await);
    }
    let before = hostel.get(PATH, &warden).await.body["pagination"]["total_items"]
        .as_u64()
        .unwrap();
    let all = join_all(tokens.iter().map(async |token| {
        for _ in 0..EACH {
            let raised = raise(&hostel, token, fan()).await;
            assert_eq!(raised.status, StatusCode::CREATED, "{raised:?}");
        }
    }));
    all.await;
    hostel.kill();

    let hostel = demo(&stores);
    let warden = hostel.login("warden@demo.local").await;
    let raised = raise(&hostel, &hostel.login("student@demo.local").await, fan()).await;
    assert_eq!(raised.status, StatusCode::CREATED, "{raised:?}");
    let mut seen = BTreeSet::new();
    let list = hostel.get(&format!("{PATH}?limit=100&order=asc"), &warden).await;
    for one in list.data().as_array().unwrap() {
        let number = one["ticket_id"].as_str().unwrap().rsplit('-').next().unwrap();
        seen.insert(number.parse::<u64>().unwrap());
    }
    let highest = before + (10 * EACH) as u64 + 1;
    assert_eq!(seen, (1..=highest).collect(), "{list:?}");
}

#[tokio::test]
async fn what_is_wrong_is_told_by_its_field_and_a_key_counts_once() {
    let stores = TestStores::default();
    let hostel = demo(&stores);
    let student = hostel.login("student@demo.local").await;
    let wrong = json!({ "category": "elektrik", "priority": "urgent", "description": "short" });
    let refused = raise(&hostel, &student, wrong).await;
    assert_eq!(code(&refused), (400, "VALIDATION_ERROR"), "{refused:?}");
    let fields: Vec<&str> = refused.body["error"]["details"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["field"].as_str().unwrap())
        .collect();
    assert_eq!(fields, ["category", "priority", "description"]);
    let mut unknown = fan();
    unknown["urgency"] = "high".into();
    assert_eq!(
        code(&raise(&hostel, &student, unknown).await),
        (400, "VALIDATION_ERROR")
    );
    for path in ["GRV-2026-1", "nonsense", "00000000"] {
        let read = hostel.get(&format!("{PATH}/{path}"), &student).await;
        assert_eq!(code(&read), (400, "VALIDATION_ERROR"), "{path}");
    }
    let nowhere = hostel.get(&format!("{PATH}/GRV-1999-00001"), &student).await;
    assert_eq!(code(&nowhere), (404, "NOT_FOUND"));
    let mut answers = Vec::new();
    for _ in 0..2 {
        let answer = hostel.insist(PATH, &student, &fan(), "fan-1").await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        answers.push(answer.data()["ticket_id"].clone());
    }
    assert_eq!(answers[0], answers[1]);
    let request = hostel.request(Method::PATCH, &format!("{PATH}/{}", answers[0].as_str().unwrap()));
    let warden = hostel.login("warden@demo.local").await;
    let patched = request
        .bearer_auth(&warden)
        .json(&json!({ "priority": "low" }))
        .send()
        .await
        .unwrap();
    assert_eq!(patched.status(), StatusCode::OK);
    let categories = hostel.get(&format!("{PATH}/categories"), &student).await;
    assert_eq!(
        categories.data()["categories"].as_array().unwrap().len(),
        8,
        "{categories:?}"
    );
}

#[tokio::test]
async fn the_demo_has_something_to_look_at() {
    let stores = TestStores::default();
    let hostel = demo(&stores);
    let (warden, staff) = (
        hostel.login("warden@demo.local").await,
        hostel.login("staff@demo.local").await,
    );
    let all = hostel.get(PATH, &warden).await;
    assert_eq!(all.body["pagination"]["total_items"], 4, "{all:?}");
    let theirs = hostel.get(PATH, &staff).await;
    assert_eq!(theirs.body["pagination"]["total_items"], 2, "{theirs:?}");
    let student = hostel.login("student@demo.local").await;
    let fan = |answer: &Answer| answer.data()[0]["sub_category"] == "fan";
    hostel.eventually(PATH, &student, fan).await;
}

#[tokio::test]
async fn copies_are_read_anew_on_command() {
    let stores = TestStores::default();
    demo(&stores).terminate();
    let mut command = crate::binary::hostelpulse(&["projections", "rebuild", "grievance"]);
    command.args(crate::binary::on(&stores));
    let said = crate::binary::done(command, "");
    assert!(said.starts_with("grievance: 45 records were read anew"), "{said}");
}
