//! Roll calls that are laid down in the database, and scans of their codes.

use attendance::token::Codes;
use chrono::{DateTime, Duration, Utc};
use kit::{Fault, Keyring, clock::timestamp, keyring::MasterKeys};
use proto::attendance::{Fix, ScanAnswer, ScanRecord, ScanRequest, SyncResult, SyncScansRequest};
use uuid::Uuid;

use crate::gate::{Gate, Pupil, told};

pub(crate) const NORTH: f64 = 28.6139;
pub(crate) const EAST: f64 = 77.2090;

/// An open roll call of the guard of these tests.
pub(crate) struct RollCall {
    pub id: Uuid,
    pub opened_at: DateTime<Utc>,
    pub rotate_seconds: i64,
    handle: [u8; 8],
    codes: Codes,
}

/// What a roll call asks for.
pub(crate) struct Terms {
    pub require: &'static str,
    pub rotate_seconds: i32,
    pub radius: f64,
    pub accuracy: f64,
    pub minutes: i64,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            require: r#"["qr","proximity"]"#,
            rotate_seconds: 25,
            radius: 2.0,
            accuracy: 0.0,
            minutes: 30,
        }
    }
}

impl RollCall {
    /// Of block A and year 1, by the usual terms.
    pub(crate) async fn open(gate: &Gate) -> Self {
        Self::open_on(gate, "A", 1, Terms::default()).await
    }

    pub(crate) async fn open_on(gate: &Gate, block: &str, year: i16, terms: Terms) -> Self {
        make_room(gate).await;
        let (id, now) = (gate.world.clock.new_id(), gate.world.clock.now());
        let handle: [u8; 8] = id.as_bytes()[8..].try_into().unwrap();
        gate.write(
            "INSERT INTO session (id, handle, block, block_folded, year, day, valid_from, valid_until, rotate_seconds, \
             radius_meters, require, latitude, longitude, accuracy_meters, opened_by, version, changed_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 1, $7)",
            [
                id.into(),
                handle.to_vec().into(),
                block.into(),
                block.to_uppercase().into(),
                year.into(),
                now.date_naive().into(),
                now.into(),
                (now + Duration::minutes(terms.minutes)).into(),
                terms.rotate_seconds.into(),
                terms.radius.into(),
                terms.require.into(),
                NORTH.into(),
                EAST.into(),
                terms.accuracy.into(),
                gate.guard.into(),
            ],
        )
        .await;
        let keys = MasterKeys::of(&gate.world.stores.config().base).unwrap();
        Self {
            id,
            opened_at: now,
            rotate_seconds: terms.rotate_seconds.into(),
            handle,
            codes: Codes::new(&Keyring::open(keys).unwrap()),
        }
    }

    /// A code of this slot.
    pub(crate) fn code(&self, slot: u32) -> String {
        self.codes.token(self.handle, slot)
    }

    /// A code that is on display now.
    pub(crate) fn code_now(&self, gate: &Gate) -> String {
        self.code_at(gate.world.clock.now())
    }

    pub(crate) fn code_at(&self, at: DateTime<Utc>) -> String {
        let elapsed = (at - self.opened_at).num_seconds();
        let slot = elapsed.checked_div(self.rotate_seconds).unwrap_or_default();
        self.code(u32::try_from(slot).unwrap())
    }

    pub(crate) fn digits(&self, at: DateTime<Utc>) -> String {
        self.codes.digits(self.id, at, 60).0
    }

    /// Digits that never are on display about now.
    pub(crate) fn wrong_digits(&self, at: DateTime<Utc>, number: usize) -> String {
        let right = [self.digits(at), self.digits(at - Duration::seconds(60))];
        let others = (0..).map(|number| format!("{number:06}"));
        others.filter(|digits| !right.contains(digits)).nth(number).unwrap()
    }

    /// The code on display, read right before it.
    pub(crate) fn at_display(&self, gate: &Gate) -> ScanRequest {
        request(&self.code_now(gate), meters_north(0.0))
    }

    /// The code that was on display then, read right before it by a phone that was offline.
    pub(crate) fn offline(&self, at: DateTime<Utc>) -> ScanRequest {
        ScanRequest {
            scanned_at: Some(timestamp(at)),
            ..request(&self.code_at(at), meters_north(0.0))
        }
    }

    /// A warden closes it; those who are expected and have no mark wait for late scans.
    pub(crate) async fn close(&self, gate: &Gate) {
        let now = gate.world.clock.now();
        let closed = gate.write(
            "UPDATE session SET closed_at = $1, closed_by = 'warden', settles_at = $2, version = version + 1, \
             changed_at = $1 WHERE id = $3",
            [now.into(), (now + Duration::hours(24)).into(), self.id.into()],
        );
        assert_eq!(closed.await, 1);
    }

    /// A mark that something else than a scan left.
    pub(crate) async fn lay_mark(&self, gate: &Gate, pupil: &Pupil, status: &str, source: &str) {
        gate.write(
            "INSERT INTO mark (day, session_id, student_id, status, source, marked_at) VALUES ($1, $2, $3, $4, $5, $6)",
            [
                self.opened_at.date_naive().into(),
                self.id.into(),
                pupil.id.into(),
                status.into(),
                source.into(),
                gate.world.clock.now().into(),
            ],
        )
        .await;
    }

    /// The mark of a student, as `status source`.
    pub(crate) async fn mark_of(&self, gate: &Gate, pupil: &Pupil) -> Option<String> {
        let statement = sea_orm::Statement::from_sql_and_values(
            gate.world.db.backend(),
            "SELECT status || ' ' || source AS text FROM mark WHERE session_id = $1 AND student_id = $2",
            [self.id.into(), pupil.id.into()],
        );
        let row = sea_orm::ConnectionTrait::query_one_raw(gate.world.db.reader(), statement).await;
        row.unwrap().map(|row| row.try_get("", "text").unwrap())
    }
}

/// On PostgreSQL scans and marks lie by month.
async fn make_room(gate: &Gate) {
    if gate.world.db.backend() != sea_orm::DbBackend::Postgres {
        return;
    }
    let begin = chrono::Datelike::with_day(&gate.world.clock.now().date_naive(), 1).unwrap();
    let end = begin.checked_add_months(chrono::Months::new(1)).unwrap();
    for table in ["mark", "scan"] {
        let name = format!("{table}_{}", begin.format("%Y_%m"));
        let sql =
            format!("CREATE TABLE IF NOT EXISTS {name} PARTITION OF {table} FOR VALUES FROM ('{begin}') TO ('{end}')");
        gate.write(&sql, []).await;
    }
}

pub(crate) fn request(code: &str, location: Fix) -> ScanRequest {
    ScanRequest {
        qr_token: code.to_owned(),
        location: Some(location),
        ..ScanRequest::default()
    }
}

/// So far from the display.
pub(crate) fn meters_north(meters: f64) -> Fix {
    Fix {
        latitude: Some(NORTH + meters / 110_829.4),
        longitude: Some(EAST),
        ..Fix::default()
    }
}

/// So far, by a phone that says how well it knows.
pub(crate) fn about(meters: f64, accuracy: f64) -> Fix {
    Fix {
        accuracy_meters: Some(accuracy),
        ..meters_north(meters)
    }
}

pub(crate) async fn scan(gate: &Gate, pupil: &Pupil, request: ScanRequest) -> Result<ScanAnswer, Fault> {
    told(gate.scans().scan(gate.by_student(pupil, request)).await)
}

/// The reason for which a scan is refused.
pub(crate) async fn refused(gate: &Gate, pupil: &Pupil, request: ScanRequest) -> String {
    scan(gate, pupil, request).await.unwrap_err().reason.into_owned()
}

pub(crate) async fn sync(gate: &Gate, pupil: &Pupil, scans: Vec<ScanRequest>) -> Vec<SyncResult> {
    let request = gate.by_student(pupil, SyncScansRequest { scans });
    told(gate.scans().sync_scans(request).await).unwrap().results
}

/// What a list holds, as ids.
pub(crate) fn ids(records: &[ScanRecord]) -> Vec<&str> {
    records.iter().map(|record| record.id.as_str()).collect()
}
