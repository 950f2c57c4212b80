//! Ten thousand tokens and bodies that no app of ours would send, over HTTP: each is the sender's mistake, and nothing comes
//! of them but the note that somebody tried.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use kit::testing::TestStores;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use reqwest::{Method, header};
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection, Statement};
use serde_json::{Value, json};

use crate::binary::Running;

const TRIES: usize = 10_000;
const AT_ONCE: usize = 32;
/// The same garbage each time.
const SEED: u64 = 20_261_121;
const ANSWER_LIMIT: Duration = Duration::from_secs(20);
const SCAN: &str = "/api/v1/attendance/scan";
const SYNC: &str = "/api/v1/attendance/scan/sync";

/// What is sent, and where.
struct Sent {
    path: &'static str,
    /// Whoever belongs to the roll call sends forged codes; the good code is only sent by somebody who does not.
    belongs: bool,
    media_type: &'static str,
    body: Vec<u8>,
}

/// Makes garbage out of what is good.
struct Garbage {
    random: StdRng,
    token: String,
    /// What stands where something else is expected.
    strange: Vec<Value>,
}

impl Garbage {
    fn next(&mut self) -> Sent {
        match self.random.random_range(0..10) {
            0..4 => {
                let token = self.forged();
                json_of(SCAN, true, body(&token))
            }
            4 => {
                let scans: Vec<Value> = (0..3).map(|_| self.late()).collect();
                json_of(SYNC, true, json!({ "scans": scans }))
            }
            5..8 => {
                let mangled = self.mangled();
                json_of(SCAN, false, mangled)
            }
            8 => {
                let mut sending = json!({ "scans": [self.mangled(), body(&self.token)] });
                self.mangle(&mut sending);
                json_of(SYNC, false, sending)
            }
            _ => {
                let mut bytes = body(&self.token).to_string().into_bytes();
                self.spoil(&mut bytes);
                let types = [
                    "application/json",
                    "application/json",
                    "text/plain",
                    "application/cbor",
                    "",
                ];
                Sent {
                    path: SCAN,
                    belongs: false,
                    media_type: types.choose(&mut self.random).unwrap(),
                    body: bytes,
                }
            }
        }
    }

    /// A token that is not the good one: cut, extended, changed in one place, put together anew, or made up.
    fn forged(&mut self) -> String {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/. ";
        let good = self.token.clone();
        let place = self.random.random_range(1..good.len());
        let letter = char::from(*LETTERS.choose(&mut self.random).unwrap());
        let forged = match self.random.random_range(0..6) {
            0 => good[..place].to_owned(),
            1 => format!("{}{letter}{}", &good[..place], &good[place..]),
            2 => format!("{}{letter}{}", &good[..place], &good[place + 1..]),
            3 => format!("{}{}", &good[place..], &good[..place]),
            4 => good.repeat(self.random.random_range(2..9)),
            _ => {
                let length = self.random.random_range(1..300);
                (0..length)
                    .map(|_| char::from(*LETTERS.choose(&mut self.random).unwrap()))
                    .collect()
            }
        };
        if forged == good { format!("{good}A") } else { forged }
    }

    /// A forged code that is said to have been read offline.
    fn late(&mut self) -> Value {
        let mut scan = body(&self.forged());
        scan["scanned_at"] = [
            "2026-11-21T12:00:00Z",
            "1970-01-01T00:00:00Z",
            "9999-12-31T23:59:59.999999Z",
            "soon",
        ]
        .choose(&mut self.random)
        .copied()
        .into();
        scan
    }

    /// A good body with one to three of its values changed.
    fn mangled(&mut self) -> Value {
        let mut body = body(&self.token);
        for _ in 0..self.random.random_range(1..4) {
            self.mangle(&mut body);
        }
        body
    }

    fn mangle(&mut self, value: &mut Value) {
        const NAMES: [&str; 12] = [
            "qr_token",
            "location",
            "scanned_at",
            "device_id",
            "otp",
            "access_points",
            "counter",
            "signature",
            "server_time",
            "scans",
            "qr_Token",
            "",
        ];
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                let names: Vec<String> = fields.keys().cloned().collect();
                let name = names.choose(&mut self.random).unwrap();
                match self.random.random_range(0..4) {
                    0 => drop(fields.remove(name)),
                    1 => {
                        let unexpected = *NAMES.choose(&mut self.random).unwrap();
                        fields.insert(unexpected.to_owned(), self.strange());
                    }
                    2 => self.mangle(&mut fields[name]),
                    _ => fields[name] = self.strange(),
                }
            }
            Value::Array(items) if !items.is_empty() => {
                let place = self.random.random_range(0..items.len());
                self.mangle(&mut items[place]);
            }
            other => *other = self.strange(),
        }
    }

    fn strange(&mut self) -> Value {
        self.strange.choose(&mut self.random).unwrap().clone()
    }

    /// Bytes that are no JSON any more, or another.
    fn spoil(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..self.random.random_range(1..5) {
            let place = self.random.random_range(0..bytes.len());
            match self.random.random_range(0..3) {
                0 => bytes[place] ^= 1 << self.random.random_range(0..8),
                1 => bytes.insert(place, self.random.random()),
                _ => bytes.truncate(place.max(1)),
            }
        }
    }
}

fn strange() -> Vec<Value> {
    vec![
        Value::Null,
        json!(true),
        json!(-1),
        json!(u64::MAX),
        json!(1e308),
        json!("1e999"),
        json!(""),
        json!("\0"),
        json!("\u{202e}\u{feff}𝕬"),
        json!("' OR 1=1 --"),
        json!("x".repeat(5000)),
        json!([]),
        json!({}),
        json!([{ "bssid": "3c:84:6a:12:34:56", "rssi": 1e9 }]),
        json!({ "latitude": 91, "longitude": "east", "mocked": "yes" }),
        json!("9007199254740993"),
        // Deeper than anything that is meant.
        (0..200).fold(json!(1), |inner, _| json!([inner])),
    ]
}

fn json_of(path: &'static str, belongs: bool, body: Value) -> Sent {
    Sent {
        path,
        belongs,
        media_type: "application/json",
        body: body.to_string().into_bytes(),
    }
}

fn body(token: &str) -> Value {
    json!({
        "qr_token": token,
        "location": { "latitude": 28.6139, "longitude": 77.2090, "accuracy_meters": 4.5 },
    })
}

/// How many rows each table has that scans could write to.
async fn rows(db: &DatabaseConnection) -> Vec<(&'static str, i64)> {
    let mut rows = Vec::new();
    for table in ["mark", "mark_change", "awaiting", "device", "outbox", "scan"] {
        let sql = format!("SELECT COUNT(*) AS number FROM {table}");
        let row = db
            .query_one_raw(Statement::from_string(db.get_database_backend(), sql))
            .await;
        rows.push((table, row.unwrap().unwrap().try_get("", "number").unwrap()));
    }
    rows
}

/// Sends it; how many tries were kept of it.
async fn send(hostel: &Running, token: &str, sent: Sent) -> i64 {
    let told = String::from_utf8_lossy(&sent.body).into_owned();
    let mut request = hostel
        .request(Method::POST, sent.path)
        .bearer_auth(token)
        .timeout(ANSWER_LIMIT);
    if !sent.media_type.is_empty() {
        request = request.header(header::CONTENT_TYPE, sent.media_type);
    }
    let answer = request.body(sent.body).send().await.unwrap();
    let status = answer.status().as_u16();
    let answer: Value = answer.json().await.unwrap();
    if status == 200 && sent.path == SYNC {
        // Each of a sending has its own answer.
        let results = answer["data"]["results"].as_array().unwrap();
        assert!(
            results.iter().all(|result| result["outcome"] == "refused"),
            "{told}: {answer}"
        );
        let kept = results
            .iter()
            .filter(|result| result["code"] != "VALIDATION_ERROR")
            .count();
        return i64::try_from(kept).unwrap();
    }
    assert!((400..500).contains(&status), "{status} {answer} for {told}");
    assert!(answer["error"]["code"].is_string(), "{answer} for {told}");
    i64::from(status == 422)
}

#[tokio::test]
async fn whatever_is_sent_is_the_senders_mistake() {
    let stores = TestStores::default();
    let environment = [
        ("HOSTELPULSE_LIMITS__ENABLED", "false"),
        ("HOSTELPULSE_LOG", "warn"),
        // What looks odd about all this is another matter.
        ("HOSTELPULSE_ATTENDANCE__ODD_EVERY_SECONDS", "3600"),
    ];
    let hostel = Running::up(&stores, &["--demo"], &environment);
    let guard = hostel.login("guard@demo.local").await;
    let wanted = json!({ "block": "A", "year": 1, "duration_minutes": 30, "rotate_seconds": 0 });
    let path = "/api/v1/attendance/generate-qr";
    let opened = hostel.call(Method::POST, path, Some(&guard), Some(wanted)).await;
    let token = opened.data()["qr_token"].as_str().unwrap().to_owned();
    let student = hostel.login("REG-2026-001").await;
    let stranger = hostel.login("REG-2026-003").await;

    let url = stores.config().base.stores().unwrap().database_of("attendance");
    let db = Database::connect(url.as_str()).await.unwrap();
    let mut before = rows(&db).await;
    let mut garbage = Garbage {
        random: StdRng::seed_from_u64(SEED),
        token,
        strange: strange(),
    };
    let all: Vec<Sent> = (0..TRIES).map(|_| garbage.next()).collect();
    let answers = stream::iter(all).map(|sent| {
        let token = if sent.belongs { &student } else { &stranger };
        send(&hostel, token, sent)
    });
    let kept: Vec<i64> = answers.buffer_unordered(AT_ONCE).collect().await;
    assert_eq!(kept.len(), TRIES);
    // Every try is kept, and nothing else is written.
    let kept: i64 = kept.into_iter().sum();
    assert!(kept > 0);
    before.last_mut().unwrap().1 += kept;
    assert_eq!(rows(&db).await, before);
    db.close().await.unwrap();
    assert!(hostel.terminate().success());
}
