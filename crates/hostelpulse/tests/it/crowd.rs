//! A hostel full of students before one display, who scan whatever happens meanwhile.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, stream};
use kit::testing::TestStores;
use reqwest::{Method, StatusCode};
use sea_orm::{ConnectionTrait as _, DatabaseConnection, Statement};
use serde_json::{Value, json};
use tokio::{sync::Semaphore, time::sleep};

use crate::{
    apart::ADMIN,
    binary::{Answer, Running},
    residents::upload,
};

const STUDENTS: usize = 150;
const A_ROOM: usize = 50;
const AT_ONCE: usize = 20;
const PLACE: (f64, f64) = (28.6139, 77.2090);
/// Nobody waits longer for an answer than this, whatever died.
const PATIENCE: Duration = Duration::from_secs(45);
/// A try of a phone.
const TRY_LIMIT: Duration = Duration::from_secs(12);
const BETWEEN_TRIES: Duration = Duration::from_millis(50);

/// Students of one block and year, and the roll call that they scan.
pub(crate) struct Crowd {
    admin: String,
    guard: String,
    session: String,
    code: String,
    phones: Vec<Phone>,
    answered: Semaphore,
    unanswered: AtomicUsize,
}

struct Phone {
    student: String,
    token: String,
}

impl Crowd {
    /// Everybody moves in and signs in; a guard opens a roll call.
    pub(crate) async fn gather(hostel: &Running) -> Self {
        let admin = hostel.login(ADMIN[0].1).await;
        move_in(hostel, &admin).await;
        let guard = json!({ "email": "gate@hostel.example", "name": "Gate", "role": "guard", "password": "Demo@1234" });
        made(hostel, "/api/v1/users", &admin, guard).await;
        let guard = hostel.login("gate@hostel.example").await;
        let wanted = json!({
            "block": "A", "year": 1, "duration_minutes": 60, "rotate_seconds": 0,
            "location": { "latitude": PLACE.0, "longitude": PLACE.1 },
        });
        let opened = made(hostel, "/api/v1/attendance/generate-qr", &guard, wanted).await;
        let session = text(&opened, "session_id");
        let path = format!("/api/v1/attendance/sessions/{session}");
        let all = |answer: &Answer| answer.data()["counts"]["total"] == STUDENTS;
        hostel.eventually(&path, &guard, all).await;
        let phones = stream::iter(0..STUDENTS).map(|number| sign_in(hostel, number));
        Self {
            code: text(&opened, "qr_token"),
            phones: phones.buffered(AT_ONCE).collect().await,
            admin,
            guard,
            session,
            answered: Semaphore::new(0),
            unanswered: AtomicUsize::new(0),
        }
    }

    /// Everybody scans, and again until there is an answer.
    pub(crate) async fn scan(&self, hostel: &Running) {
        let scans = stream::iter(&self.phones).map(|phone| self.scan_with(hostel, phone));
        scans.buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
    }

    /// Waits until a fifth of them have their answer, and the others are at it.
    pub(crate) async fn are_at_it(&self) {
        let some = u32::try_from(STUDENTS / 5).unwrap();
        self.answered.acquire_many(some).await.unwrap().forget();
    }

    /// How many tries had no answer, or one that says to come back.
    pub(crate) fn tries_in_vain(&self) -> usize {
        self.unanswered.load(Ordering::SeqCst)
    }

    async fn scan_with(&self, hostel: &Running, phone: &Phone) {
        let body = json!({
            "qr_token": self.code, "location": { "latitude": PLACE.0, "longitude": PLACE.1 },
        });
        let end = Instant::now() + PATIENCE;
        loop {
            let request = hostel.request(Method::POST, "/api/v1/attendance/scan");
            let sent = request
                .bearer_auth(&phone.token)
                .json(&body)
                .timeout(TRY_LIMIT)
                .send()
                .await;
            match sent.map(|answer| answer.status().as_u16()) {
                Ok(200 | 409) => return self.answered.add_permits(1),
                Ok(503 | 504) | Err(_) => self.unanswered.fetch_add(1, Ordering::SeqCst),
                Ok(other) => panic!("a scan was answered with {other}"),
            };
            assert!(
                Instant::now() < end,
                "{} has no answer within {PATIENCE:?}",
                phone.student
            );
            sleep(BETWEEN_TRIES).await;
        }
    }

    /// Everybody who was answered is marked, each mark was told once, and whoever hears of marks applied each event once.
    pub(crate) async fn is_marked_once_each(&self, hostel: &Running, stores: &TestStores) {
        let path = format!("/api/v1/attendance/sessions/{}", self.session);
        let all = |answer: &Answer| answer.data()["counts"]["present"] == STUDENTS;
        let counts = hostel.get(&path, &self.guard).await;
        assert!(all(&counts), "{counts:?}");
        let events = self.told(stores).await;
        let trail = format!(
            "/api/v1/audit?resource_id={}&action=hostelpulse.attendance.marked.v1&limit=100",
            self.session
        );
        let heard = |answer: &Answer| answer.body["pagination"]["total_items"].as_u64() >= Some(events);
        let first = hostel.eventually(&trail, &self.admin, heard).await;
        assert_eq!(
            first.body["pagination"]["total_items"], events,
            "an event was applied twice"
        );
        let mut marked: Vec<String> = Vec::new();
        for page in 1..=first.body["pagination"]["total_pages"].as_u64().unwrap() {
            marked.extend(marked_in(
                &hostel.get(&format!("{trail}&page={page}"), &self.admin).await,
            ));
        }
        let each: BTreeSet<&str> = marked.iter().map(String::as_str).collect();
        let expected: BTreeSet<&str> = self.phones.iter().map(|phone| phone.student.as_str()).collect();
        assert_eq!((marked.len(), each), (STUDENTS, expected));
        let chain = hostel.get("/api/v1/audit/verify", &self.admin).await;
        assert_eq!(chain.data()["intact"], true, "{chain:?}");
    }

    /// How many events told of marks, once every mark is told and every event published.
    async fn told(&self, stores: &TestStores) -> u64 {
        let url = stores.config().base.stores().unwrap().database_of("attendance");
        let db = sea_orm::Database::connect(url.as_str()).await.unwrap();
        let untold = "mark JOIN session ON session.id = mark.session_id WHERE mark.version > session.told_version";
        let end = Instant::now() + PATIENCE;
        while count(&db, untold).await > 0 || count(&db, "outbox WHERE published_at IS NULL").await > 0 {
            assert!(Instant::now() < end, "events are not published within {PATIENCE:?}");
            sleep(BETWEEN_TRIES).await;
        }
        let told = count(&db, "outbox WHERE kind = 'hostelpulse.attendance.marked.v1'").await;
        db.close().await.unwrap();
        told
    }
}

async fn count(db: &DatabaseConnection, which: &str) -> u64 {
    let sql = format!("SELECT COUNT(*) AS number FROM {which}");
    let rows = db
        .query_one_raw(Statement::from_string(db.get_database_backend(), sql))
        .await;
    let number: i64 = rows.unwrap().unwrap().try_get("", "number").unwrap();
    number.try_into().unwrap()
}

/// Rooms of block A, and a file of those who live there.
async fn move_in(hostel: &Running, admin: &str) {
    let mut file = "registration_no,name,email,phone,parent_phone,year,semester,room,password\n".to_owned();
    for number in 0..STUDENTS {
        let room = number / A_ROOM;
        if number % A_ROOM == 0 {
            let room = json!({ "room_no": format!("A-{room}"), "block": "A", "floor": 0, "capacity": A_ROOM });
            made(hostel, "/api/v1/rooms", admin, room).await;
        }
        writeln!(
            file,
            "CROWD-{number},Student {number},crowd{number}@hostel.example,9876543210,9876543211,1,1,A-{room},Demo@1234"
        )
        .unwrap();
    }
    let file = ("students.csv", file.as_bytes());
    let report = upload(hostel, "/api/v1/students/bulk-import", admin, &[], file).await;
    assert_eq!(report.data()["created"], STUDENTS, "{report:?}");
}

async fn sign_in(hostel: &Running, number: usize) -> Phone {
    let body = json!({ "identifier": format!("CROWD-{number}"), "password": "Demo@1234" });
    let answer = hostel.call(Method::POST, "/api/v1/auth/login", None, Some(body)).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    Phone {
        student: text(&answer.data()["user"], "id"),
        token: text(answer.data(), "access_token"),
    }
}

/// What came to be.
async fn made(hostel: &Running, path: &str, token: &str, body: Value) -> Value {
    let mut answer = hostel.call(Method::POST, path, Some(token), Some(body)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{path}: {answer:?}");
    answer.body["data"].take()
}

fn text(value: &Value, name: &str) -> String {
    value[name]
        .as_str()
        .unwrap_or_else(|| panic!("no {name}: {value}"))
        .to_owned()
}

/// Everybody whom entries of the trail tell to be marked.
fn marked_in(trail: &Answer) -> Vec<String> {
    let entries = trail.data().as_array().unwrap();
    let marks = entries
        .iter()
        .flat_map(|entry| entry["changes"]["marks"].as_array().cloned().unwrap_or_default());
    marks.map(|mark| text(&mark, "student_id")).collect()
}
