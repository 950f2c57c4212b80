//! A roll call as the people at the gate live it: the real binary, over HTTP and a WebSocket.

use std::time::Duration;

use futures_util::StreamExt as _;
use kit::testing::TestStores;
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest as _};

use crate::binary::{Answer, Running};

/// Where the demo's block A stands.
const GATE: (f64, f64) = (28.6139, 77.2090);
/// One degree of latitude in metres.
const DEGREE: f64 = 111_195.0;
/// Who lives in block A and is in the first year.
const PUPILS: [u32; 6] = [1, 2, 9, 10, 17, 18];
const PATIENCE: Duration = Duration::from_secs(30);

type Socket = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

fn code(answer: &Answer) -> (u16, &str) {
    let code = answer.body["error"]["code"].as_str();
    (answer.status.as_u16(), code.unwrap_or_default())
}

/// So many metres north of the gate.
fn at(metres: f64, accuracy: Option<f64>) -> Value {
    let mut location = json!({ "latitude": GATE.0 + metres / DEGREE, "longitude": GATE.1 });
    if let Some(accuracy) = accuracy {
        location["accuracy_meters"] = accuracy.into();
    }
    location
}

/// A demo whose people may scan as often as a test needs.
fn demo(stores: &TestStores) -> Running {
    Running::up(stores, &["--demo"], &[("HOSTELPULSE_LIMITS__ENABLED", "false")])
}

async fn pupil(hostel: &Running, number: u32) -> String {
    hostel.login(&format!("REG-2026-{number:03}")).await
}

/// Opens a roll call of block A and the first year; waits until everybody is known who is called.
async fn open(hostel: &Running, guard: &str, more: Value) -> Value {
    let mut wanted = json!({ "block": "A", "year": 1, "duration_minutes": 30 });
    for (name, value) in more.as_object().unwrap() {
        wanted[name] = value.clone();
    }
    let opened = hostel
        .call(
            Method::POST,
            "/api/v1/attendance/generate-qr",
            Some(guard),
            Some(wanted),
        )
        .await;
    assert_eq!(opened.status, StatusCode::CREATED, "{opened:?}");
    let path = format!(
        "/api/v1/attendance/sessions/{}",
        opened.data()["session_id"].as_str().unwrap()
    );
    let all = |answer: &Answer| answer.data()["counts"]["total"] == PUPILS.len();
    hostel.eventually(&path, guard, all).await;
    opened.data().clone()
}

async fn scan(hostel: &Running, pupil: &str, token: &str, location: Value) -> Answer {
    let body = json!({ "qr_token": token, "location": location });
    hostel
        .call(Method::POST, "/api/v1/attendance/scan", Some(pupil), Some(body))
        .await
}

async fn watch(hostel: &Running, token: &str, session: &str) -> Socket {
    let url = hostel
        .request(Method::GET, &format!("/ws/attendance/{session}"))
        .build()
        .unwrap()
        .url()
        .clone();
    let mut request = url.as_str().replace("http://", "ws://").into_client_request().unwrap();
    let headers = request.headers_mut();
    headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
    let (socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    socket
}

/// The next message of this type; others are passed over.
async fn next_of(socket: &mut Socket, kind: &str) -> Value {
    let look = async {
        loop {
            let message = socket.next().await.unwrap_or_else(|| panic!("no {kind}")).unwrap();
            if let Message::Text(text) = message {
                let message: Value = serde_json::from_str(&text).unwrap();
                if message["type"] == kind {
                    return message;
                }
            }
        }
    };
    tokio::time::timeout(PATIENCE, look).await.unwrap()
}

#[tokio::test]
async fn a_roll_call_from_the_first_code_to_the_report() {
    let stores = TestStores::default();
    let hostel = demo(&stores);
    let (guard, warden) = (
        hostel.login("guard@demo.local").await,
        hostel.login("warden@demo.local").await,
    );
    let opened = open(&hostel, &guard, json!({})).await;
    let (session, token) = (
        opened["session_id"].as_str().unwrap(),
        opened["qr_token"].as_str().unwrap(),
    );
    assert!(token.len() <= 180, "{}", token.len());
    let path = format!("/api/v1/attendance/sessions/{session}");

    let rival = json!({ "block": "a", "year": 1, "duration_minutes": 5 });
    let refused = hostel
        .call(
            Method::POST,
            "/api/v1/attendance/generate-qr",
            Some(&warden),
            Some(rival),
        )
        .await;
    assert_eq!(code(&refused), (409, "SESSION_ACTIVE"), "{refused:?}");
    assert_eq!(refused.body["error"]["details"]["session_id"], session);

    pictures(&hostel, &guard, &opened).await;
    let mut display = watch(&hostel, &guard, session).await;
    let state = next_of(&mut display, "state").await;
    assert_eq!(state["session"]["id"], session, "{state}");

    // On the spot, again by a nervous finger, and from the other end of the campus.
    let asha = pupil(&hostel, 1).await;
    let marked = scan(&hostel, &asha, token, at(1.0, None)).await;
    assert_eq!(marked.status, StatusCode::OK, "{marked:?}");
    assert_eq!(marked.data()["attendance_marked"], true);
    assert_eq!(marked.data()["room_no"], "A-101");
    let again = scan(&hostel, &asha, token, at(1.0, None)).await;
    assert_eq!((again.status, again.data()), (StatusCode::OK, marked.data()));
    assert_eq!(
        next_of(&mut display, "scan").await["student_id"],
        student_id(&hostel, &asha).await
    );
    let other = pupil(&hostel, 2).await;
    let far = scan(&hostel, &other, token, at(80.0, None)).await;
    assert_eq!(code(&far), (422, "LOCATION_MISMATCH"), "{far:?}");
    assert_eq!(far.body["error"]["details"]["max_allowed_meters"], 2.0);
    let forged = scan(&hostel, &other, &format!("{token}A"), at(1.0, None)).await;
    assert_eq!(code(&forged), (422, "QR_INVALID"), "{forged:?}");
    let stranger = pupil(&hostel, 3).await;
    let elsewhere = scan(&hostel, &stranger, token, at(1.0, None)).await;
    assert_eq!(code(&elsewhere), (422, "NOT_IN_SESSION"), "{elsewhere:?}");

    the_guards_word(&hostel, (&guard, &warden), &opened, &mut display).await;

    let closed = hostel
        .call(Method::PUT, &format!("{path}/close"), Some(&guard), None)
        .await;
    assert_eq!(closed.status, StatusCode::OK, "{closed:?}");
    next_of(&mut display, "closed").await;
    let late = scan(&hostel, &pupil(&hostel, 10).await, token, at(1.0, None)).await;
    assert!(
        matches!(code(&late), (422, "SESSION_CLOSED" | "QR_EXPIRED")),
        "{late:?}"
    );
    let counts = hostel.get(&path, &warden).await.data()["counts"].clone();
    assert_eq!(
        [
            &counts["present"],
            &counts["pending"],
            &counts["absent"],
            &counts["total"]
        ],
        [2, 4, 0, 6],
        "{counts}"
    );
    report(
        &hostel,
        &warden,
        session,
        &student_id(&hostel, &pupil(&hostel, 17).await).await,
    )
    .await;
}

/// The code as pictures: PNG, and SVG where it is preferred.
async fn pictures(hostel: &Running, guard: &str, opened: &Value) {
    let image = opened["qr_image_url"].as_str().unwrap();
    let image = reqwest::Url::parse(image).unwrap();
    let png = hostel
        .request(Method::GET, image.path())
        .bearer_auth(guard)
        .send()
        .await
        .unwrap();
    assert_eq!(png.headers()[header::CONTENT_TYPE], "image/png");
    let request = hostel.request(Method::GET, image.path()).bearer_auth(guard);
    let svg = request.header(header::ACCEPT, "image/svg+xml").send().await.unwrap();
    assert_eq!(svg.headers()[header::CONTENT_TYPE], "image/svg+xml");
    assert!(svg.text().await.unwrap().contains("<svg"));
}

/// Too far for a yes, too near for a no: the guard is asked, and says yes to one and no to the other.
async fn the_guards_word(hostel: &Running, (guard, warden): (&str, &str), opened: &Value, display: &mut Socket) {
    let token = opened["qr_token"].as_str().unwrap();
    let path = format!("/api/v1/attendance/sessions/{}", opened["session_id"].as_str().unwrap());
    for (number, verdict, present) in [(2, "confirm", true), (9, "refuse", false)] {
        let phone = pupil(hostel, number).await;
        let unsure = scan(hostel, &phone, token, at(6.0, Some(5.0))).await;
        assert_eq!(unsure.status, StatusCode::OK, "{unsure:?}");
        assert_eq!(unsure.data()["status"], "awaiting_confirmation");
        let id = unsure.data()["scan_id"].as_str().unwrap();
        assert_eq!(next_of(display, "awaiting").await["scan_id"], id);
        let waiting = hostel.get(&format!("{path}/awaiting"), guard).await;
        assert_eq!(waiting.data()[0]["id"], id);
        let decide = format!("/api/v1/attendance/scans/{id}/{verdict}");
        let decided = hostel.call(Method::PUT, &decide, Some(guard), None).await;
        assert_eq!(decided.status, StatusCode::OK, "{decided:?}");
        let twice = hostel.call(Method::PUT, &decide, Some(warden), None).await;
        assert_eq!(twice.status, StatusCode::CONFLICT, "{twice:?}");
        let told = hostel.get(&format!("/api/v1/attendance/scans/{id}"), &phone).await;
        assert_eq!(told.data()["status"] == "present", present, "{told:?}");
    }
}

async fn student_id(hostel: &Running, token: &str) -> String {
    let own = hostel.get("/api/v1/students/me", token).await;
    own.data()["id"].as_str().unwrap().to_owned()
}

/// A mark by hand, and what the reports make of it.
async fn report(hostel: &Running, warden: &str, session: &str, pupil: &str) {
    for (path, status) in [("manual-mark", "present"), ("manual-correction", "excused")] {
        let mark =
            json!({ "session_id": session, "student_id": pupil, "status": status, "reason": "Was at the infirmary" });
        let path = format!("/api/v1/attendance/{path}");
        let marked = hostel.call(Method::POST, &path, Some(warden), Some(mark)).await;
        assert_eq!(marked.status, StatusCode::CREATED, "{marked:?}");
        assert_eq!(marked.data()["status"], status);
    }
    let history = format!("/api/v1/attendance/sessions/{session}/marks/{pupil}/history");
    let history = hostel.get(&history, warden).await;
    let after: Vec<&str> = history
        .data()
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|change| change["after"].as_str())
        .collect();
    assert!(after.ends_with(&["present", "excused"]), "{history:?}");

    let day = hostel
        .get(&format!("/api/v1/attendance/sessions/{session}"), warden)
        .await
        .data()["day"]
        .clone();
    let day = day.as_str().unwrap();
    let reports = format!("/api/v1/attendance/reports?from={day}&to={day}&block=A&year=1");
    let json = hostel.get(&reports, warden).await;
    assert_eq!(json.data()["rows"].as_array().unwrap().len(), PUPILS.len(), "{json:?}");
    assert_eq!(
        (&json.data()["totals"]["present"], &json.data()["totals"]["excused"]),
        (&json!(2), &json!(1))
    );
    for (format, kind, begins) in [
        ("csv", "text/csv", "registration_no"),
        ("pdf", "application/pdf", "%PDF-"),
    ] {
        let request = hostel.request(Method::GET, &format!("{reports}&format={format}"));
        let file = request.bearer_auth(warden).send().await.unwrap();
        assert_eq!(file.status(), StatusCode::OK);
        assert!(file.headers()[header::CONTENT_TYPE].to_str().unwrap().starts_with(kind));
        let bytes = file.bytes().await.unwrap();
        assert!(String::from_utf8_lossy(&bytes).contains(begins), "{format}");
    }
    let own = hostel.get("/api/v1/attendance/me", &self::pupil(hostel, 1).await).await;
    assert_eq!(own.data()[0]["status"], "present", "{own:?}");
    let trail = format!("/api/v1/audit?resource_id={session}&action=hostelpulse.attendance.corrected.v1");
    let both = |answer: &Answer| answer.body["pagination"]["total_items"] == 2;
    hostel.eventually(&trail, warden, both).await;
}
