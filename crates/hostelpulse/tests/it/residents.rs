//! Students from their registration to their erasure, over HTTP with every service: a record and its account are one thing.

mod sheets;

use std::{
    collections::BTreeMap,
    io::{Cursor, Read as _},
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use futures_util::future::join_all;
use kit::testing::TestStores;
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

use crate::{
    apart::Apart,
    binary::{Answer, Running},
};

const PASSWORD: &str = "Gate#2026x";
/// Registrations while auth dies.
const MANY: u32 = 60;
const PATIENCE: Duration = Duration::from_mins(1);

fn somebody(number: u32) -> Value {
    json!({
        "email": format!("new{number}@hostel.example"),
        "registration_no": format!("NEW-{number}"),
        "name": format!("Meera Nair {number}"),
        "phone": "9876543210",
        "parent_phone": "9876543211",
        "address": "12 Lake Road, Pune",
        "year": 2,
        "semester": 3,
        "password": PASSWORD,
    })
}

async fn register(hostel: &Running, warden: &str, student: Value) -> Answer {
    hostel
        .call(Method::POST, "/api/v1/students", Some(warden), Some(student))
        .await
}

async fn sign_in(hostel: &Running, identifier: &str) -> Answer {
    let body = json!({ "identifier": identifier, "password": PASSWORD });
    hostel.call(Method::POST, "/api/v1/auth/login", None, Some(body)).await
}

fn id_of(answer: &Answer) -> String {
    answer.data()["id"]
        .as_str()
        .unwrap_or_else(|| panic!("{answer:?}"))
        .to_owned()
}

fn code(answer: &Answer) -> (u16, &str) {
    let code = answer.body["error"]["code"].as_str();
    (answer.status.as_u16(), code.unwrap_or_default())
}

/// A form with one file, sent as it stands.
pub(crate) async fn upload(
    hostel: &Running,
    path: &str,
    token: &str,
    fields: &[(&str, &str)],
    file: (&str, &[u8]),
) -> Answer {
    upload_as(hostel.request(Method::POST, path).bearer_auth(token), fields, file).await
}

async fn upload_as(request: reqwest::RequestBuilder, fields: &[(&str, &str)], file: (&str, &[u8])) -> Answer {
    let mut body = Vec::new();
    for (name, value) in fields {
        let part = format!("--edge\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(part.as_bytes());
    }
    let head = format!(
        "--edge\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{}\"\r\n\r\n",
        file.0
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(file.1);
    body.extend_from_slice(b"\r\n--edge--\r\n");
    let request = request.header(header::CONTENT_TYPE, "multipart/form-data; boundary=edge");
    let answer = request.body(body).send().await.unwrap();
    Answer {
        status: answer.status(),
        body: answer.json().await.unwrap(),
    }
}

#[tokio::test]
async fn a_student_signs_in_as_soon_as_they_are_registered_and_not_after_they_left() {
    let stores = TestStores::default();
    let hostel = Running::demo(&stores);
    let warden = hostel.login("warden@demo.local").await;
    let registered = register(&hostel, &warden, somebody(1)).await;
    assert_eq!(registered.status, StatusCode::CREATED, "{registered:?}");
    let signed = sign_in(&hostel, "NEW-1").await;
    assert_eq!(signed.status, StatusCode::OK, "{signed:?}");
    let token = signed.data()["access_token"].as_str().unwrap().to_owned();
    let own = hostel.get("/api/v1/students/me", &token).await;
    assert_eq!(
        (id_of(&own), id_of(&own)),
        (
            id_of(&registered),
            signed.data()["user"]["id"].as_str().unwrap().to_owned()
        )
    );

    // One address and one number in the whole installation.
    for (email, number, field) in [
        ("guard@demo.local", "NEW-9", "email"),
        ("new1@hostel.example", "NEW-9", "email"),
        ("nine@hostel.example", "new-1", "registration_no"),
    ] {
        let mut rival = somebody(9);
        rival["email"] = email.into();
        rival["registration_no"] = number.into();
        let refused = register(&hostel, &warden, rival).await;
        assert_eq!(code(&refused), (409, "CONFLICT"), "{refused:?}");
        assert_eq!(refused.body["error"]["details"]["field"], field);
    }

    let path = format!("/api/v1/students/{}", id_of(&registered));
    let renamed = json!({ "email": "meera@hostel.example" });
    let changed = hostel.call(Method::PUT, &path, Some(&warden), Some(renamed)).await;
    assert_eq!(changed.status, StatusCode::OK, "{changed:?}");
    assert_eq!(
        sign_in(&hostel, "new1@hostel.example").await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(sign_in(&hostel, "meera@hostel.example").await.status, StatusCode::OK);

    let left = hostel.call(Method::DELETE, &path, Some(&warden), None).await;
    assert_eq!(
        (left.status, &left.data()["is_active"]),
        (StatusCode::OK, &json!(false))
    );
    assert_eq!(
        code(&sign_in(&hostel, "meera@hostel.example").await),
        (401, "INVALID_CREDENTIALS")
    );
    let end = Instant::now() + Duration::from_secs(1);
    while hostel.get("/api/v1/students/me", &token).await.status != StatusCode::UNAUTHORIZED {
        assert!(Instant::now() < end, "somebody who left goes on");
    }
    let back = hostel
        .call(Method::PATCH, &path, Some(&warden), Some(json!({ "is_active": true })))
        .await;
    assert_eq!(back.data()["is_active"], true, "{back:?}");
    assert_eq!(sign_in(&hostel, "meera@hostel.example").await.status, StatusCode::OK);
}

#[tokio::test]
async fn of_eight_at_once_two_get_the_two_beds_and_the_others_leave_nothing() {
    let stores = TestStores::default();
    let hostel = Running::demo(&stores);
    let (admin, warden) = (
        hostel.login("admin@demo.local").await,
        hostel.login("warden@demo.local").await,
    );
    let users = async || hostel.get("/api/v1/users", &admin).await.body["pagination"]["total_items"].clone();
    assert_eq!(users().await, 45);
    let room = json!({ "room_no": "C-301", "block": "C", "floor": 3, "capacity": 2 });
    let room = id_of(
        &hostel
            .call(Method::POST, "/api/v1/rooms", Some(&warden), Some(room))
            .await,
    );
    let tries = (1..=8).map(async |number| {
        let mut student = somebody(number);
        student["room_id"] = room.as_str().into();
        let key = format!("new-{number}");
        hostel.insist("/api/v1/students", &warden, &student, &key).await
    });
    let answers = join_all(tries).await;
    let codes: Vec<_> = answers.iter().map(code).collect();
    assert_eq!(codes.iter().filter(|code| **code == (201, "")).count(), 2, "{codes:?}");
    assert_eq!(
        codes.iter().filter(|code| **code == (422, "ROOM_FULL")).count(),
        6,
        "{codes:?}"
    );
    assert_eq!(
        hostel.get(&format!("/api/v1/rooms/{room}"), &warden).await.data()["occupied"],
        2
    );
    assert_eq!(users().await, 47, "no account without a record");
    for (number, answer) in (1..=8).zip(&answers) {
        let signed = sign_in(&hostel, &format!("NEW-{number}")).await;
        assert_eq!(
            signed.status == StatusCode::OK,
            answer.status == StatusCode::CREATED,
            "{signed:?}"
        );
    }
}

/// Who is registered and who has an account: the same people, as far as anybody can see.
async fn agree(gateway: &Running, admin: &str) -> bool {
    let count = async |path: &str| gateway.get(path, admin).await.body["pagination"]["total_items"].clone();
    let students = count("/api/v1/students").await;
    students.is_number() && students == count("/api/v1/users?role=student").await
}

#[tokio::test]
async fn an_auth_that_dies_in_between_leaves_neither_accounts_nor_records_alone() {
    // Services of several processes hear each other over a broker.
    if !TestStores::on_servers() {
        return;
    }
    let groups: &[&'static [&'static str]] = &[&["auth"], &["students", "attendance", "leave", "grievance", "audit"]];
    // What a killed auth leaves is given back soon.
    let soon = ("HOSTELPULSE_STUDENTS__REGISTRATION_SECONDS", "10");
    let more = [soon, ("HOSTELPULSE_LIMITS__ENABLED", "false")];
    let Apart { mut services, gateway } = Apart::start(TestStores::default(), groups, &more);
    let admin = gateway.login("head@hostel.example").await;
    let registered = (1..=MANY).map(|number| register(&gateway, &admin, somebody(number)));
    let dying = async {
        // In the midst of them: some are registered, some are not.
        gateway
            .eventually("/api/v1/students", &admin, |answer| {
                answer.body["pagination"]["total_items"].as_u64() >= Some(3)
            })
            .await;
        services.kill("auth");
    };
    let (answers, ()) = tokio::join!(join_all(registered), dying);
    let created: Vec<bool> = answers
        .iter()
        .map(|answer| answer.status == StatusCode::CREATED)
        .collect();
    assert!(
        created.contains(&true) && created.contains(&false),
        "it died too early or too late: {answers:?}"
    );
    for answer in &answers {
        assert!([201, 503, 504].contains(&answer.status.as_u16()), "{answer:?}");
    }

    services.start_again("auth").await;
    let end = Instant::now() + PATIENCE;
    while !agree(&gateway, &admin).await {
        assert!(Instant::now() < end, "records and accounts do not come to agree");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for (number, created) in (1..=MANY).zip(created) {
        let number_of = format!("NEW-{number}");
        if created {
            let end = Instant::now() + PATIENCE;
            while sign_in(&gateway, &number_of).await.status != StatusCode::OK {
                assert!(Instant::now() < end, "{number_of} is registered and cannot sign in");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            continue;
        }
        // Nothing is left of the others, or an answer was lost and everything is there.
        let end = Instant::now() + PATIENCE;
        loop {
            let again = register(&gateway, &admin, somebody(number)).await;
            let is_whole =
                again.status == StatusCode::CREATED || sign_in(&gateway, &number_of).await.status == StatusCode::OK;
            if is_whole {
                break;
            }
            assert!(Instant::now() < end, "{number_of} cannot be registered: {again:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    let all = gateway.get("/api/v1/students", &admin).await;
    assert_eq!(all.body["pagination"]["total_items"], MANY);
    services.terminate();
}

fn picture() -> Vec<u8> {
    let text = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";
    BASE64_STANDARD.decode(text).unwrap()
}

async fn archive(hostel: &Running, token: &str, id: &str) -> BTreeMap<String, Vec<u8>> {
    let request = hostel.request(Method::GET, &format!("/api/v1/students/{id}/export"));
    let answer = request.bearer_auth(token).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["content-type"], "application/zip");
    let bytes = answer.bytes().await.unwrap();
    let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut files = BTreeMap::new();
    for place in 0..zip.len() {
        let mut file = zip.by_index(place).unwrap();
        let mut content = Vec::new();
        file.read_to_end(&mut content).unwrap();
        files.insert(file.name().unwrap().into_owned(), content);
    }
    files
}

#[tokio::test]
async fn a_student_gets_a_copy_of_everything_and_then_is_nobody_anywhere() {
    let stores = TestStores::default();
    let hostel = Running::demo(&stores);
    let (admin, warden) = (
        hostel.login("admin@demo.local").await,
        hostel.login("warden@demo.local").await,
    );
    let student = hostel.login("student@demo.local").await;
    let id = id_of(&hostel.get("/api/v1/students/me", &student).await);
    let documents = format!("/api/v1/students/{id}/documents");
    let added = upload(
        &hostel,
        &documents,
        &warden,
        &[("doc_type", "photo")],
        ("asha.png", &picture()),
    )
    .await;
    assert_eq!(added.status, StatusCode::CREATED, "{added:?}");
    let listed = hostel.get(&documents, &student).await;
    let url = reqwest::Url::parse(listed.data()[0]["url"].as_str().unwrap()).unwrap();
    let link = format!("{}?{}", url.path(), url.query().unwrap());
    let fetched = hostel.request(Method::GET, &link).send().await.unwrap();
    assert_eq!(fetched.status(), StatusCode::OK);
    assert!(
        fetched.headers()["content-disposition"]
            .to_str()
            .unwrap()
            .starts_with("attachment")
    );
    assert_eq!(fetched.headers()["x-content-type-options"], "nosniff");
    assert_eq!(fetched.bytes().await.unwrap(), picture());

    // The trail hears of the photo in its own time: what it has when the copy is asked for is what the copy holds.
    let entries = format!("/api/v1/audit?resource_id={id}");
    let heard = |trail: &Answer| trail.data().as_array().is_some_and(|entries| !entries.is_empty());
    hostel.eventually(&entries, &warden, heard).await;

    let files = archive(&hostel, &student, &id).await;
    let json_of = |name: &str| -> Value { serde_json::from_slice(&files[name]).unwrap() };
    let manifest = json_of("manifest.json");
    assert_eq!(manifest["complete"], true, "{manifest}");
    assert_eq!(json_of("student.json")["registration_no"], "REG-2026-001");
    assert!(files["auth.json"].windows(18).any(|text| text == b"student@demo.local"));
    assert!(!json_of("audit.json").as_array().unwrap().is_empty());
    assert!(
        files
            .keys()
            .any(|name| name.starts_with("documents/") && name.ends_with("asha.png"))
    );

    let erase = format!("/api/v1/students/{id}/erase");
    assert_eq!(
        hostel.call(Method::POST, &erase, Some(&warden), None).await.status,
        StatusCode::FORBIDDEN
    );
    let erased = hostel.call(Method::POST, &erase, Some(&admin), None).await;
    assert_eq!(erased.status, StatusCode::OK, "{erased:?}");
    let refused = hostel
        .call(
            Method::POST,
            "/api/v1/auth/login",
            None,
            Some(json!({ "identifier": "student@demo.local", "password": "Demo@1234" })),
        )
        .await;
    assert_eq!(code(&refused), (401, "INVALID_CREDENTIALS"));
    assert_eq!(
        hostel.request(Method::GET, &link).send().await.unwrap().status(),
        StatusCode::NOT_FOUND
    );
    let all = hostel.get("/api/v1/students?limit=100", &warden).await;
    assert_eq!(all.body["pagination"]["total_items"], 39);
    let account = hostel.get(&format!("/api/v1/users/{id}"), &admin).await;
    assert_eq!(
        (&account.data()["name"], &account.data()["is_active"]),
        (&json!("Erased student"), &json!(false))
    );

    // What the trail said of the student is gone, too, and it still holds together.
    let trail = format!("/api/v1/audit?limit=100&resource_id={id}");
    let entries = hostel
        .eventually(&trail, &admin, |answer| {
            let entries = answer.data().as_array().unwrap();
            let says = |kind: &str| entries.iter().any(|entry| entry["action"] == kind);
            says("hostelpulse.student.erased.v1") && says("hostelpulse.user.erased.v1")
        })
        .await;
    let said = entries.body.to_string().to_lowercase();
    assert!(
        !said.contains("asha") && !said.contains("student@demo.local") && !said.contains("reg-2026-001"),
        "{said}"
    );
    let verdict = hostel.get("/api/v1/audit/verify", &admin).await;
    assert_eq!(verdict.data()["intact"], true, "{verdict:?}");
}
