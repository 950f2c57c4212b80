//! Roll calls: laid down in the database, with scans of their codes; and opened, read and closed through the service's own face.

use attendance::token::Codes;
use chrono::{DateTime, Duration, Utc};
use kit::{Fault, Keyring, access::metadata, clock::timestamp, keyring::MasterKeys};
use proto::{
    attendance::{
        CloseSessionRequest, Factor, Fix, GenerateQrRequest, GetQrRequest, GetSessionRequest, OpenedSession, QrCode,
        ScanAnswer, ScanRecord, ScanRequest, Session, SessionLocation, SyncResult, SyncScansRequest,
    },
    options::Role,
};
use tonic::Request;
use uuid::Uuid;

use crate::gate::{Gate, Pupil, id_is, told};

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
        let (id, now) = (gate.world.clock.new_id(), gate.world.clock.now());
        gate.make_room(now.date_naive()).await;
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
        Self {
            id,
            opened_at: now,
            rotate_seconds: terms.rotate_seconds.into(),
            handle,
            codes: gate.codes(),
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
        gate.mark_from(self.id, pupil, status, source).await;
    }

    /// The mark of a student, as `status source`.
    pub(crate) async fn mark_of(&self, gate: &Gate, pupil: &Pupil) -> Option<String> {
        gate.mark_of(self.id, pupil).await
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

/// A roll call of block A and the first year, at a place of its own.
pub(crate) fn asked() -> GenerateQrRequest {
    GenerateQrRequest {
        block: "A".to_owned(),
        year: 1,
        duration_minutes: 30,
        location: Some(somewhere()),
        ..GenerateQrRequest::default()
    }
}

/// One that needs no place.
pub(crate) fn asked_without_place() -> GenerateQrRequest {
    GenerateQrRequest {
        location: None,
        require: vec![Factor::Qr.into()],
        ..asked()
    }
}

pub(crate) fn somewhere() -> SessionLocation {
    SessionLocation {
        latitude: Some(28.61),
        longitude: Some(77.2),
        accuracy_meters: Some(4.0),
    }
}

pub(crate) fn with_key<T>(mut request: Request<T>, key: &str) -> Request<T> {
    request
        .metadata_mut()
        .insert(metadata::IDEMPOTENCY_KEY, key.parse().unwrap());
    request
}

impl Gate {
    /// A gate before block A, whose place is known.
    pub(crate) async fn of_block_a() -> Self {
        let gate = Self::open().await;
        gate.block("A", 28.6139, 77.2090).await;
        gate
    }

    pub(crate) async fn try_generate(&self, request: GenerateQrRequest) -> Result<OpenedSession, Fault> {
        told(self.sessions().generate_qr(self.by_guard(request)).await)
    }

    pub(crate) async fn generate(&self, request: GenerateQrRequest) -> OpenedSession {
        self.try_generate(request).await.unwrap()
    }

    /// An open roll call of block A and the first year; its id.
    pub(crate) async fn roll_call(&self) -> String {
        self.generate(asked()).await.session_id
    }

    pub(crate) async fn close(&self, id: &str) -> Session {
        self.try_close(self.guard, Role::Guard, id).await.unwrap()
    }

    pub(crate) async fn try_close(&self, who: Uuid, role: Role, id: &str) -> Result<Session, Fault> {
        let request = CloseSessionRequest { id: id.to_owned() };
        told(self.sessions().close_session(self.of(who, role, request)).await)
    }

    pub(crate) async fn session(&self, id: &str) -> Session {
        let request = GetSessionRequest { id: id.to_owned() };
        told(self.sessions().get_session(self.by_guard(request)).await).unwrap()
    }

    pub(crate) async fn qr(&self, who: Uuid, role: Role, id: &str) -> Result<QrCode, Fault> {
        let request = GetQrRequest { id: id.to_owned() };
        told(self.sessions().get_qr(self.of(who, role, request)).await)
    }

    /// What this installation makes and reads codes with.
    pub(crate) fn codes(&self) -> Codes {
        let keys = MasterKeys::of(&self.world.stores.config().base).unwrap();
        Codes::new(&Keyring::open(keys).unwrap())
    }

    /// A mark as a scan would leave it.
    pub(crate) async fn mark(&self, session: &str, pupil: &Pupil, status: &str) {
        self.mark_from(id(session), pupil, status, "scan").await;
    }

    /// A leave that covers these days, counted from today.
    pub(crate) async fn leave(&self, pupil: &Pupil, from: i64, to: i64, approved: bool) {
        let today = self.today();
        self.write(
            "INSERT INTO leave (id, version, student_id, from_date, to_date, approved) VALUES ($1, 1, $2, $3, $4, $5)",
            [
                self.world.clock.new_id().into(),
                pupil.id.into(),
                (today + chrono::Duration::days(from)).into(),
                (today + chrono::Duration::days(to)).into(),
                approved.into(),
            ],
        )
        .await;
    }

    /// The hostel's day; the tests' hostel is where the configuration says by itself.
    pub(crate) fn today(&self) -> chrono::NaiveDate {
        let zone = self.world.stores.config().base.timezone;
        self.world.clock.now().with_timezone(&zone).date_naive()
    }

    /// How the students of a roll call stand, by their ids: status and source.
    pub(crate) async fn standing(&self, pupils: &[&Pupil]) -> Vec<String> {
        let mut standing = Vec::new();
        for pupil in pupils {
            let whose = id_is("student_id", pupil.id);
            let sql = format!("SELECT status || ' ' || source AS text FROM mark WHERE {whose}");
            standing.push(self.rows(&sql).await.join(", "));
        }
        standing
    }
}

pub(crate) fn id(text: &str) -> Uuid {
    text.parse().unwrap()
}

/// The fields that a refusal names, and that it is one about fields.
pub(crate) fn fields(fault: &Fault) -> Vec<&str> {
    assert_eq!(fault.reason, "VALIDATION_ERROR");
    fault.violations.iter().map(|one| one.field.as_str()).collect()
}
