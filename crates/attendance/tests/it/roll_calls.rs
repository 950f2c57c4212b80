//! Verbs about roll calls as a whole: opening, closing, reading one.

use attendance::token::Codes;
use kit::{Fault, Keyring, access::metadata, keyring::MasterKeys};
use proto::{
    attendance::{
        CloseSessionRequest, Factor, GenerateQrRequest, GetQrRequest, GetSessionRequest, OpenedSession, QrCode,
        Session, SessionLocation,
    },
    options::Role,
};
use tonic::Request;
use uuid::Uuid;

use crate::gate::{Gate, Pupil, told};

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

    pub(crate) async fn students<const N: usize>(&self, block: &str) -> [Pupil; N] {
        let mut students = Vec::new();
        for number in 1..=N {
            students.push(self.student(u32::try_from(number).unwrap(), block, 1).await);
        }
        students.try_into().unwrap()
    }

    /// A mark as a scan would leave it.
    pub(crate) async fn mark(&self, session: &str, pupil: &Pupil, status: &str) {
        self.write(
            "INSERT INTO mark (day, session_id, student_id, status, source, marked_at) \
             SELECT day, id, $2, $3, 'scan', $4 FROM session WHERE id = $1",
            [
                id(session).into(),
                pupil.id.into(),
                status.into(),
                self.world.clock.now().into(),
            ],
        )
        .await;
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
            let id = match self.world.db.backend() {
                sea_orm::DbBackend::Postgres => format!("'{}'", pupil.id),
                _ => format!("X'{}'", pupil.id.simple()),
            };
            let sql = format!("SELECT status || ' ' || source AS text FROM mark WHERE student_id = {id}");
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
