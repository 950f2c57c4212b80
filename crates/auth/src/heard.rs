//! What this service does on events of others: accounts follow the students' records, and whoever is to see what is held of
//! a student gets this service's part.

use std::sync::Arc;

use kit::{
    db::Txn,
    events::{Consumer, Event, Hear, Heard, Subscription},
    files::exports::Asked,
};
use proto::students::{
    StudentDeactivated, StudentErased, StudentExportRequested, StudentRecord, StudentRegistered, StudentState,
    StudentUpdated,
};
use uuid::Uuid;

use crate::{
    domain::{
        Email, PersonName, RegistrationNumber,
        record::{Person, Record, RecordState, Teller},
    },
    operations::{
        App,
        accounts::{conform, export},
    },
};

const REGISTERED: &str = "hostelpulse.student.registered.v1";
const UPDATED: &str = "hostelpulse.student.updated.v1";
const DEACTIVATED: &str = "hostelpulse.student.deactivated.v1";
const ERASED: &str = "hostelpulse.student.erased.v1";
const EXPORT_REQUESTED: &str = "hostelpulse.student.export_requested.v1";

struct Follow(Arc<App>);

#[async_trait::async_trait]
impl Hear for Follow {
    async fn apply(&self, txn: &Txn, event: &Event) -> Result<(), Heard> {
        let student = match event.kind.as_str() {
            REGISTERED => event.read::<StudentRegistered>()?.student,
            UPDATED => event.read::<StudentUpdated>()?.student,
            DEACTIVATED => event.read::<StudentDeactivated>()?.student,
            ERASED => event.read::<StudentErased>()?.student,
            EXPORT_REQUESTED => return self.export(event).await,
            _ => return Err(Heard::unexpected(event)),
        };
        let student = student.ok_or_else(|| Heard::lacks("student"))?;
        let record = record(&student).map_err(|why| Heard::Fail(format!("the record {}: {why}", student.id)))?;
        self.conform(txn, event, record).await
    }
}

impl Follow {
    async fn conform(&self, txn: &Txn, event: &Event, record: Record) -> Result<(), Heard> {
        let caller = event.heard_by("auth");
        let conformed = conform::conform_in_txn(&self.0, &caller, txn, &[record], Teller::Event).await;
        let conformed = conformed.map_err(Heard::again)?;
        if conformed.taken.is_empty() {
            return Ok(());
        }
        Err(Heard::Fail("its address or number is another account's".to_owned()))
    }

    async fn export(&self, event: &Event) -> Result<(), Heard> {
        let wanted: StudentExportRequested = event.read()?;
        let asked = Asked::read(&wanted.student_id, &wanted.export_id, wanted.wanted_until);
        let asked = asked.map_err(Heard::never)?;
        export::store_part(&self.0, &asked).await.map_err(Heard::again)
    }
}

/// A student's record as their account sees it.
pub(crate) fn record(student: &StudentRecord) -> Result<Record, &'static str> {
    let person = || {
        Ok::<_, &'static str>(Person {
            email: Email::parse(&student.email)?,
            registration_no: RegistrationNumber::parse(&student.registration_no)?,
            name: PersonName::parse(&student.name)?,
        })
    };
    let state = match student.state() {
        StudentState::Active => RecordState::Active(person()?),
        StudentState::Deactivated => RecordState::Deactivated(person()?),
        StudentState::Erased => RecordState::Erased,
        StudentState::Unspecified => return Err("it does not say where the student stands"),
    };
    Ok(Record {
        id: Uuid::parse_str(&student.id).map_err(|_| "its id is no UUID")?,
        version: student.version,
        state,
    })
}

pub(crate) fn consumers(app: &Arc<App>) -> Vec<Consumer> {
    let topics = [REGISTERED, UPDATED, DEACTIVATED, ERASED, EXPORT_REQUESTED];
    let follow = Arc::new(Follow(app.clone()));
    vec![Consumer::new(
        Subscription::new("auth", &topics),
        app.db.clone(),
        app.clock.clone(),
        follow,
    )]
}
