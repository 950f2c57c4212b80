//! What this service does on events of others: accounts follow the students' records, and whoever is to see what is held of
//! a student gets this service's part.

use std::sync::Arc;

use kit::{
    access::Caller,
    db::Txn,
    events::{Consumer, Event, Hear, Heard, Subscription},
    files::exports::Asked,
    json::{self, Mismatch},
};
use proto::students::{
    StudentDeactivated, StudentErased, StudentExportRequested, StudentRecord, StudentRegistered, StudentState,
    StudentUpdated,
};
use uuid::Uuid;

use crate::{
    Error,
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
            REGISTERED => read::<StudentRegistered>(event)?.student,
            UPDATED => read::<StudentUpdated>(event)?.student,
            DEACTIVATED => read::<StudentDeactivated>(event)?.student,
            ERASED => read::<StudentErased>(event)?.student,
            EXPORT_REQUESTED => return self.export(event).await,
            // Nobody subscribed to it.
            other => return Err(Heard::Fail(format!("an event of the type {other} was not expected"))),
        };
        let student = student.ok_or_else(|| Heard::Fail("the event names no student".to_owned()))?;
        let record = record(&student).map_err(|why| Heard::Fail(format!("the record {}: {why}", student.id)))?;
        self.conform(txn, event, record).await
    }
}

impl Follow {
    async fn conform(&self, txn: &Txn, event: &Event, record: Record) -> Result<(), Heard> {
        let caller = Caller {
            traceparent: event.traceparent.clone(),
            ..Caller::service("auth", event.id.to_string())
        };
        let conformed = conform::conform_in_txn(&self.0, &caller, txn, &[record], Teller::Event).await;
        let conformed = conformed.map_err(again)?;
        if conformed.taken.is_empty() {
            return Ok(());
        }
        Err(Heard::Fail("its address or number is another account's".to_owned()))
    }

    async fn export(&self, event: &Event) -> Result<(), Heard> {
        let request = read::<StudentExportRequested>(event)?;
        let asked = Asked::read(&request.student_id, &request.export_id, request.wanted_until);
        let asked = asked.map_err(|why| Heard::Fail(why.to_owned()))?;
        export::store_part(&self.0, &asked).await.map_err(again)
    }
}

fn read<M: prost::Message + prost::Name + Default + 'static>(event: &Event) -> Result<M, Heard> {
    json::from_value(&event.data).map_err(|mismatch: Mismatch| Heard::Fail(mismatch.to_string()))
}

fn again(error: Error) -> Heard {
    Heard::Retry(error.to_string())
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
