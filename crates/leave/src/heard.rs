//! What this service does on events of others: it keeps its copies of students.

mod privacy;

use std::sync::Arc;

use kit::{
    db::Txn,
    events::{Consumer, Event, Hear, Heard, Subscription},
};
use proto::students::{
    StudentDeactivated, StudentErased, StudentMoved, StudentRecord, StudentRegistered, StudentState, StudentUpdated,
};
use uuid::Uuid;

use crate::{domain::Student, operations::App, store};

const REGISTERED: &str = "hostelpulse.student.registered.v1";
const UPDATED: &str = "hostelpulse.student.updated.v1";
const MOVED: &str = "hostelpulse.student.moved.v1";
const DEACTIVATED: &str = "hostelpulse.student.deactivated.v1";
const ERASED: &str = "hostelpulse.student.erased.v1";

struct Copies;

#[async_trait::async_trait]
impl Hear for Copies {
    async fn apply(&self, txn: &Txn, event: &Event) -> Result<(), Heard> {
        match event.kind.as_str() {
            REGISTERED => self.student(txn, event.read::<StudentRegistered>()?.student).await,
            UPDATED => self.student(txn, event.read::<StudentUpdated>()?.student).await,
            MOVED => self.student(txn, event.read::<StudentMoved>()?.student).await,
            DEACTIVATED => self.student(txn, event.read::<StudentDeactivated>()?.student).await,
            ERASED => self.student(txn, event.read::<StudentErased>()?.student).await,
            _ => Err(Heard::unexpected(event)),
        }
    }
}

impl Copies {
    async fn student(&self, txn: &Txn, record: Option<StudentRecord>) -> Result<(), Heard> {
        let record = record.ok_or_else(|| Heard::lacks("student"))?;
        let student = student(&record).map_err(|why| Heard::Fail(format!("the record {}: {why}", record.id)))?;
        store::student::keep_in_txn(txn, &[student]).await?;
        Ok(())
    }
}

/// A student's record as a leave sees it.
pub(crate) fn student(record: &StudentRecord) -> Result<Student, &'static str> {
    let room = record.room.as_ref();
    Ok(Student {
        id: Uuid::parse_str(&record.id).map_err(|_| "its id is no UUID")?,
        version: record.version,
        registration_no: record.registration_no.clone(),
        name: record.name.clone(),
        year: u8::try_from(record.year).map_err(|_| "its year is too large")?,
        block: room.map(|room| room.block.clone()),
        room_no: room.map(|room| room.room_no.clone()),
        active: match record.state() {
            StudentState::Active => true,
            StudentState::Deactivated | StudentState::Erased => false,
            StudentState::Unspecified => return Err("it does not say where the student stands"),
        },
    })
}

pub(crate) fn consumers(app: &Arc<App>) -> Vec<Consumer> {
    let topics = [REGISTERED, UPDATED, MOVED, DEACTIVATED, ERASED];
    let copies = Arc::new(Copies);
    let subscription = Subscription::new("leave", &topics);
    vec![
        Consumer::new(subscription, app.db.clone(), app.clock.clone(), copies),
        privacy::consumer(app),
    ]
}
