//! Tries that are laid down in the tables as the service would write them, and the guard's word on them.

use chrono::{Days, NaiveDate};
use sea_orm::Value;
use uuid::Uuid;

use crate::gate::{Gate, Pupil};

/// The day of what is laid down here, unless another is said.
pub(crate) fn day(gate: &Gate) -> NaiveDate {
    gate.world.clock.now().date_naive()
}

/// The guard's word on a scan.
pub(crate) async fn decide(gate: &Gate, scan: Uuid, verdict: &str) {
    gate.write(
        "UPDATE awaiting SET verdict = $1, decided_by = $2, decided_at = $3 WHERE scan_id = $4",
        [
            verdict.into(),
            gate.guard.into(),
            gate.world.clock.now().into(),
            scan.into(),
        ],
    )
    .await;
}

/// A try of a student.
#[derive(Clone)]
pub(crate) struct Try {
    session: Uuid,
    student: Uuid,
    outcome: &'static str,
    code: Option<String>,
    seconds_ago: i64,
    /// How long before today the roll call was.
    days_ago: u64,
    place: Option<(f64, f64)>,
    accuracy: Option<f64>,
    device: Option<(Uuid, i64)>,
}

impl Try {
    pub(crate) fn of(session: Uuid, pupil: &Pupil) -> Self {
        Self {
            session,
            student: pupil.id,
            outcome: "marked",
            code: None,
            seconds_ago: 0,
            days_ago: 0,
            place: None,
            accuracy: None,
            device: None,
        }
    }

    pub(crate) fn marked(mut self) -> Self {
        self.outcome = "marked";
        self
    }

    pub(crate) fn already_marked(mut self) -> Self {
        self.outcome = "already_marked";
        self
    }

    pub(crate) fn awaiting(mut self) -> Self {
        self.outcome = "awaiting";
        self
    }

    pub(crate) fn refused(mut self, code: &str) -> Self {
        (self.outcome, self.code) = ("refused", Some(code.to_owned()));
        self
    }

    pub(crate) fn ago(mut self, seconds: i64) -> Self {
        self.seconds_ago = seconds;
        self
    }

    /// With a code of a roll call that was so many days ago.
    pub(crate) fn of_days_ago(mut self, days: u64) -> Self {
        self.days_ago = days;
        self
    }

    pub(crate) fn at(mut self, latitude: f64, longitude: f64) -> Self {
        self.place = Some((latitude, longitude));
        self
    }

    pub(crate) fn within(mut self, meters: f64) -> Self {
        self.accuracy = Some(meters);
        self
    }

    pub(crate) fn by(mut self, device: Uuid, counter: i64) -> Self {
        self.device = Some((device, counter));
        self
    }

    /// Writes it down; the scan's id.
    pub(crate) async fn lay(&self, gate: &Gate) -> Uuid {
        self.lay_many(gate, 1).await
    }

    /// The same many times in one commit; the id of the last.
    pub(crate) async fn lay_many(&self, gate: &Gate, times: usize) -> Uuid {
        let (clock, day) = (&gate.world.clock, day(gate) - Days::new(self.days_ago));
        let at = clock.now() - chrono::Duration::seconds(self.seconds_ago);
        let mut id = Uuid::nil();
        let (mut places, mut values): (Vec<String>, Vec<Value>) = (Vec::new(), Vec::new());
        for _ in 0..times {
            id = clock.new_id();
            let first = values.len() + 1;
            let numbers: Vec<String> = (first..first + 14).map(|number| format!("${number}")).collect();
            places.push(format!("({}, FALSE, 3.5, '[]')", numbers.join(", ")));
            values.extend([
                id.into(),
                day.into(),
                self.session.into(),
                self.student.into(),
                self.outcome.into(),
                self.code.clone().into(),
                at.into(),
                at.into(),
                self.accuracy.into(),
                self.place.map(|place| place.0).into(),
                self.place.map(|place| place.1).into(),
                self.device.map(|device| device.0).into(),
                self.device.map(|device| device.1).into(),
                Option::<i64>::None.into(),
            ]);
        }
        let sql = format!(
            "INSERT INTO scan (id, day, session_id, student_id, outcome, code, scanned_at, received_at, accuracy_meters, \
             latitude, longitude, device_id, device_counter, token_counter, offline, distance_meters, evidence) VALUES {}",
            places.join(", ")
        );
        gate.write(&sql, values).await;
        match self.outcome {
            "marked" => self.mark(gate, id, at).await,
            "awaiting" => self.ask(gate, id, at).await,
            _ => {}
        }
        id
    }

    async fn mark(&self, gate: &Gate, scan: Uuid, at: chrono::DateTime<chrono::Utc>) {
        gate.write(
            "INSERT INTO mark (day, session_id, student_id, status, source, scan_id, scanned_at, marked_at) \
             VALUES ($1, $2, $3, 'present', 'scan', $4, $5, $5) ON CONFLICT DO NOTHING",
            [
                day(gate).into(),
                self.session.into(),
                self.student.into(),
                scan.into(),
                at.into(),
            ],
        )
        .await;
    }

    async fn ask(&self, gate: &Gate, scan: Uuid, at: chrono::DateTime<chrono::Utc>) {
        gate.write(
            "INSERT INTO awaiting (scan_id, day, session_id, student_id, asked_at) VALUES ($1, $2, $3, $4, $5)",
            [
                scan.into(),
                day(gate).into(),
                self.session.into(),
                self.student.into(),
                at.into(),
            ],
        )
        .await;
    }
}
