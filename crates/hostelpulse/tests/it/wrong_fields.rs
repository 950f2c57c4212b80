//! Whoever fills in a form learns of everything that is wrong in one answer, over HTTP with every service.

use kit::testing::TestStores;
use reqwest::Method;
use serde_json::{Value, json};

use crate::binary::{Answer, Running};

const NOWHERE: &str = "0198f1d2-7c3a-7b4e-9f60-2a1b3c4d5e6f";

/// The fields that an answer finds wrong.
fn wrong_fields(answer: &Answer) -> Vec<&str> {
    assert_eq!(answer.body["error"]["code"], "VALIDATION_ERROR", "{answer:?}");
    let details = answer.body["error"]["details"].as_array().unwrap();
    details.iter().map(|one| one["field"].as_str().unwrap()).collect()
}

fn with(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

#[tokio::test]
async fn every_wrong_field_of_a_student_is_named_in_one_answer() {
    let stores = TestStores::default();
    let hostel = Running::demo(&stores);
    let warden = hostel.login("warden@demo.local").await;
    let send = async |method, path: &str, body| hostel.call(method, path, Some(&warden), Some(body)).await;
    let student = json!({
        "email": "new@hostel.example",
        "registration_no": "NEW-1",
        "name": "Meera Nair",
        "phone": "12345",
        "parent_phone": "9876543211",
        "year": 1,
        "semester": 4,
        "room_id": NOWHERE,
        "password": "weak",
    });
    let refused = send(Method::POST, "/api/v1/students", student.clone()).await;
    assert_eq!(wrong_fields(&refused), ["phone", "semester", "room_id", "password"]);
    assert_eq!(refused.status.as_u16(), 400);
    // Where the body cannot be read, all that its fields say by themselves is in the one answer.
    let unreadable = with(student.clone(), "nickname", json!("Mee"));
    let refused = send(Method::POST, "/api/v1/students", unreadable).await;
    assert_eq!(wrong_fields(&refused), ["nickname", "phone"]);
    let refused = send(Method::POST, "/api/v1/students", json!({})).await;
    let required = [
        "email",
        "registration_no",
        "name",
        "phone",
        "parent_phone",
        "year",
        "semester",
    ];
    assert_eq!(wrong_fields(&refused), required);

    let right = [
        ("phone", json!("9876543210")),
        ("semester", json!(2)),
        ("room_id", Value::Null),
        ("password", Value::Null),
    ];
    let good = right
        .into_iter()
        .fold(student, |body, (field, value)| with(body, field, value));
    let registered = send(Method::POST, "/api/v1/students", good).await;
    assert_eq!(registered.status.as_u16(), 201, "{registered:?}");
    let path = format!("/api/v1/students/{}", registered.data()["id"].as_str().unwrap());
    let change = json!({ "phone": "12345", "year": 3, "room_id": NOWHERE });
    for method in [Method::PUT, Method::PATCH] {
        let refused = send(method, &path, change.clone()).await;
        assert_eq!(wrong_fields(&refused), ["phone", "year", "room_id"]);
    }
    // An id that is none is wrong like any other field.
    let refused = send(Method::PUT, "/api/v1/students/nobody", change).await;
    assert_eq!(wrong_fields(&refused), ["id", "phone", "room_id"]);
}

#[tokio::test]
async fn every_wrong_field_of_an_account_and_of_a_room_is_named_in_one_answer() {
    let stores = TestStores::default();
    let hostel = Running::demo(&stores);
    let admin = hostel.login("admin@demo.local").await;
    let account = json!({ "email": "guard", "name": "Ravi\u{7}", "role": "guard", "password": "weak" });
    let refused = hostel
        .call(Method::POST, "/api/v1/users", Some(&admin), Some(account))
        .await;
    assert_eq!(wrong_fields(&refused), ["email", "name", "password"]);
    // What no field rule says: a number that shows less than it holds.
    let room = json!({ "room_no": "1\u{200b}01", "block": "A/B", "floor": 1, "capacity": 0 });
    let refused = hostel
        .call(Method::POST, "/api/v1/rooms", Some(&admin), Some(room))
        .await;
    assert_eq!(wrong_fields(&refused), ["room_no", "block", "capacity"]);
}
