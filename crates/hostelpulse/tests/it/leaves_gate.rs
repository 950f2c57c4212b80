//! A leave from the guardian's letter to the return through the gate: the real binary over HTTP, the page as a browser uses it.

use std::time::{Duration, Instant};

use kit::{Clock, testing::TestStores};
use reqwest::{Method, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::binary::{Answer, Running};

const PARENT: &str = "parent@family.example";
const PATIENCE: Duration = Duration::from_secs(30);
const FORM: &str = "application/x-www-form-urlencoded";

/// The hostel's day, so many days from now.
fn in_days(days: u64) -> String {
    // Half past five hours before Greenwich, all the year.
    let today = (Clock::system().now() + chrono::Duration::minutes(330)).date_naive();
    (today + chrono::Days::new(days)).to_string()
}

fn academic(from: u64, to: u64) -> Value {
    json!({
        "leave_type": "academic",
        "from_date": in_days(from),
        "to_date": in_days(to),
        "place_of_visit": "Pune <b>",
        "parent_phone": "9876543210",
    })
}

fn code(answer: &Answer) -> (u16, &str) {
    let code = answer.body["error"]["code"].as_str();
    (answer.status.as_u16(), code.unwrap_or_default())
}

/// The people of the demo, and the student's id.
struct People {
    student: String,
    guard: String,
    warden: String,
    student_id: String,
}

async fn people(hostel: &Running) -> People {
    let student = hostel.login("student@demo.local").await;
    let me = hostel.get("/api/v1/students/me", &student).await;
    People {
        guard: hostel.login("guard@demo.local").await,
        warden: hostel.login("warden@demo.local").await,
        student_id: me.data()["id"].as_str().unwrap().to_owned(),
        student,
    }
}

async fn send(hostel: &Running, method: Method, path: &str, token: &str, body: Option<Value>) -> Answer {
    hostel.call(method, path, Some(token), body).await
}

/// A leave that was asked for; its path.
async fn asked(hostel: &Running, people: &People, wanted: Value) -> String {
    let asked = send(hostel, Method::POST, "/api/v1/leaves", &people.student, Some(wanted)).await;
    assert_eq!(asked.status, StatusCode::CREATED, "{asked:?}");
    format!("/api/v1/leaves/{}", asked.data()["id"].as_str().unwrap())
}

/// Says where the guardian is written to, as soon as the leave service has heard of the student.
async fn known_guardian(hostel: &Running, people: &People) {
    let path = format!("/api/v1/leaves/guardians/{}", people.student_id);
    let end = Instant::now() + PATIENCE;
    loop {
        let body = json!({ "email": PARENT });
        let set = send(hostel, Method::PUT, &path, &people.warden, Some(body)).await;
        if set.status == StatusCode::OK {
            return;
        }
        assert_eq!(code(&set), (404, "NOT_FOUND"), "{set:?}");
        assert!(Instant::now() < end, "the student never came");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The path of the link in the letter to the guardian.
async fn link(stores: &TestStores) -> String {
    let folder = stores.config().base.data.join("mail");
    let end = Instant::now() + PATIENCE;
    loop {
        let files = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        let letters = files.map(|file| file.path());
        let mut letters = letters.filter(|path| path.extension().is_some_and(|kind| kind == "eml"));
        let ours = letters.find_map(|path| {
            let text = std::fs::read_to_string(path).ok()?.replace("=\r\n", "");
            let (_, link) = text.split_once("/guardian/").filter(|_| text.contains(PARENT))?;
            let token: String = link
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c))
                .collect();
            Some(format!("/guardian/{token}"))
        });
        if let Some(path) = ours {
            return path;
        }
        assert!(Instant::now() < end, "no letter in {}", folder.display());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A page: its status and text. It is never kept, never framed, and nothing in it runs.
async fn page(response: Response) -> (StatusCode, String) {
    let head = response.headers();
    let said = |name: &str| head[name].to_str().unwrap().to_owned();
    assert_eq!(said("content-type"), "text/html; charset=utf-8");
    assert_eq!(said("cache-control"), "no-store");
    assert_eq!(said("referrer-policy"), "no-referrer");
    let policy = said("content-security-policy");
    assert!(
        policy.contains("default-src 'none'") && !policy.contains("script-src"),
        "{policy}"
    );
    assert!(
        policy.contains("form-action 'self'") && policy.contains("frame-ancestors 'none'"),
        "{policy}"
    );
    (response.status(), response.text().await.unwrap())
}

async fn open(hostel: &Running, path: &str) -> (StatusCode, String) {
    page(hostel.request(Method::GET, path).send().await.unwrap()).await
}

/// Presses a button of the page.
async fn press(hostel: &Running, path: &str, answer: &str) -> (StatusCode, String) {
    let form = hostel.request(Method::POST, path).header(header::CONTENT_TYPE, FORM);
    page(form.body(format!("answer={answer}")).send().await.unwrap()).await
}

fn asking(stores: &TestStores) -> Running {
    Running::up(
        stores,
        &["--demo"],
        &[
            ("HOSTELPULSE_LEAVE__TYPES__ACADEMIC__GUARDIAN", "true"),
            ("HOSTELPULSE_LIMITS__ENABLED", "false"),
        ],
    )
}

#[tokio::test]
async fn a_guardian_answers_on_a_page_and_the_student_goes_through_the_gate() {
    let stores = TestStores::default();
    let hostel = asking(&stores);
    let people = people(&hostel).await;
    let unknown = send(
        &hostel,
        Method::POST,
        "/api/v1/leaves",
        &people.student,
        Some(academic(0, 3)),
    )
    .await;
    assert_eq!(code(&unknown), (422, "GUARDIAN_UNKNOWN"), "{unknown:?}");
    known_guardian(&hostel, &people).await;
    let leave = asked(&hostel, &people, academic(0, 3)).await;
    let approve = format!("{leave}/approve");
    let early = send(&hostel, Method::PUT, &approve, &people.warden, Some(json!({}))).await;
    assert_eq!(code(&early), (422, "GUARDIAN_NOT_APPROVED"), "{early:?}");

    let link = link(&stores).await;
    // What looks through mail opens links, by HEAD too: nothing comes of it.
    for _ in 0..2 {
        let head = hostel.request(Method::HEAD, &link).send().await.unwrap();
        assert_eq!(head.status(), StatusCode::OK);
        let (status, text) = open(&hostel, &link).await;
        assert_eq!(status, StatusCode::OK);
        assert!(
            text.contains("<form method=\"post\">") && text.contains("value=\"approve\""),
            "{text}"
        );
        assert!(
            text.contains("Pune &lt;b&gt;") && !text.contains("<b>") && !text.contains("<script"),
            "{text}"
        );
    }
    let state = |leave: &Answer| leave.data()["guardian"]["state"].clone();
    assert_eq!(state(&hostel.get(&leave, &people.warden).await), "asked");
    let (status, _) = press(&hostel, &link, "perhaps").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let json = hostel
        .call(Method::POST, &link, None, Some(json!({ "answer": "approve" })))
        .await;
    assert_eq!(json.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);

    let (status, text) = press(&hostel, &link, "approve").await;
    assert!(status == StatusCode::OK && text.contains("You agree"), "{text}");
    for (status, text) in [press(&hostel, &link, "refuse").await, open(&hostel, &link).await] {
        assert!(
            status == StatusCode::CONFLICT && text.contains("answered already"),
            "{text}"
        );
    }
    let (status, _) = open(&hostel, "/guardian/guessed").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(state(&hostel.get(&leave, &people.warden).await), "approved");
    let granted = send(&hostel, Method::PUT, &approve, &people.warden, Some(json!({}))).await;
    assert_eq!(
        (granted.status, &granted.data()["status"]),
        (StatusCode::OK, &json!("approved"))
    );
    through_the_gate(&hostel, &people, &leave).await;
}

/// Out and back on a leave of four days that begins today.
async fn through_the_gate(hostel: &Running, people: &People, leave: &str) {
    let guard = &people.guard;
    let active = hostel.get("/api/v1/leaves/active", guard).await;
    assert_eq!(active.body["pagination"]["total_items"], 1, "{active:?}");
    assert_eq!(
        (&active.data()[0]["place_of_visit"], &active.data()[0]["leave_type"]),
        (&json!(""), &Value::Null),
        "a guard needs no more"
    );
    let (depart, come_back) = (format!("{leave}/depart"), format!("{leave}/return"));
    let not_theirs = send(hostel, Method::POST, &depart, &people.student, None).await;
    assert_eq!(code(&not_theirs), (403, "FORBIDDEN"));
    let out = send(hostel, Method::POST, &depart, guard, None).await;
    assert_eq!(
        (out.status, &out.body["message"]),
        (StatusCode::OK, &json!("Departure noted")),
        "{out:?}"
    );
    let again = send(hostel, Method::POST, &depart, guard, None).await;
    assert_eq!(code(&again), (409, "ALREADY_DEPARTED"));
    let gate = hostel.get("/api/v1/leaves/gate?block=A", &people.warden).await;
    assert_eq!(
        gate.data()["out_now"][0]["student"]["id"],
        people.student_id,
        "{gate:?}"
    );
    assert_eq!(
        (&gate.data()["due_today"], &gate.data()["overdue"]),
        (&json!([]), &json!([]))
    );

    let longer = json!({ "to_date": in_days(5) });
    let longer = send(
        hostel,
        Method::POST,
        &format!("{leave}/extend"),
        &people.student,
        Some(longer),
    )
    .await;
    assert_eq!(
        (longer.status, &longer.data()["from_date"]),
        (StatusCode::CREATED, &json!(in_days(4)))
    );

    let back = send(hostel, Method::POST, &come_back, guard, None).await;
    assert_eq!(
        (&back.data()["to_date"], &back.data()["is_late"]),
        (&json!(in_days(0)), &json!(false)),
        "{back:?}"
    );
    let again = send(hostel, Method::POST, &come_back, guard, None).await;
    assert_eq!(code(&again), (409, "ALREADY_RETURNED"));
    let extension = format!("/api/v1/leaves/{}", longer.data()["id"].as_str().unwrap());
    assert_eq!(
        hostel.get(&extension, &people.student).await.data()["status"],
        "cancelled"
    );
    let ended = hostel.get(leave, &people.student).await;
    assert_eq!(
        (&ended.data()["to_date"], &ended.data()["status"]),
        (&json!(in_days(0)), &json!("approved"))
    );
}

#[tokio::test]
async fn a_calendar_is_json_or_a_file_by_the_query_or_the_header() {
    let stores = TestStores::default();
    let hostel = Running::demo(&stores);
    let people = people(&hostel).await;
    let leave = asked(&hostel, &people, academic(2, 3)).await;
    let granted = send(
        &hostel,
        Method::PUT,
        &format!("{leave}/approve"),
        &people.warden,
        Some(json!({})),
    )
    .await;
    assert_eq!(granted.status, StatusCode::OK, "{granted:?}");
    let path = format!("/api/v1/leaves/calendar?from={}&to={}", in_days(0), in_days(30));
    let read = hostel.get(&path, &people.warden).await;
    let entries = read.data()["entries"].as_array().unwrap();
    let id = leave.rsplit('/').next().unwrap();
    assert!(entries.iter().any(|entry| entry["leave_id"] == id), "{read:?}");

    for (query, accept, is_file) in [
        ("&format=ics", "*/*", true),
        ("", "text/calendar", true),
        ("", "text/calendar, application/json;q=0.5", true),
        ("", "*/*", false),
        ("", "application/json, text/calendar", false),
        ("", "text/html, */*;q=0.8", false),
    ] {
        let request = hostel
            .request(Method::GET, &format!("{path}{query}"))
            .bearer_auth(&people.warden);
        let answer = request.header(header::ACCEPT, accept).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{query} {accept}");
        let kind = answer.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
        let wanted = if is_file {
            "text/calendar; charset=utf-8"
        } else {
            "application/json"
        };
        assert_eq!(kind, wanted, "{query} {accept}");
        let text = answer.text().await.unwrap();
        assert_eq!(text.starts_with("BEGIN:VCALENDAR\r\n"), is_file, "{text}");
        assert_eq!(text.contains(&format!("UID:{id}\r\n")), is_file, "{text}");
    }
    let refused = hostel.get(&format!("{path}&format=xls"), &people.warden).await;
    assert_eq!(code(&refused), (400, "VALIDATION_ERROR"), "{refused:?}");
    let student = hostel.get(&path, &people.student).await;
    assert_eq!(code(&student), (403, "FORBIDDEN"));
}
