//! What this service does on events of others: it keeps its copies of students and of those who work in the hostel.

mod privacy;

use std::sync::Arc;

use kit::{
    db::Txn,
    events::{Consumer, Event, Hear, Heard, Subscription},
};
use proto::{
    auth::{PersonRecord, User, UserCreated, UserDeactivated, UserErased, UserRoleChanged, UserUpdated},
    options::Role,
    students::{
        StudentDeactivated, StudentErased, StudentMoved, StudentRecord, StudentRegistered, StudentState, StudentUpdated,
    },
};
use uuid::Uuid;

use crate::{
    domain::{Person, Student},
    operations::App,
    store,
};

const REGISTERED: &str = "hostelpulse.student.registered.v1";
const UPDATED: &str = "hostelpulse.student.updated.v1";
const MOVED: &str = "hostelpulse.student.moved.v1";
const DEACTIVATED: &str = "hostelpulse.student.deactivated.v1";
const ERASED: &str = "hostelpulse.student.erased.v1";
const USER_CREATED: &str = "hostelpulse.user.created.v1";
const USER_UPDATED: &str = "hostelpulse.user.updated.v1";
const USER_DEACTIVATED: &str = "hostelpulse.user.deactivated.v1";
const USER_ROLE_CHANGED: &str = "hostelpulse.user.role_changed.v1";
const USER_ERASED: &str = "hostelpulse.user.erased.v1";

struct Copies;

#[async_trait::async_trait]
impl Hear for Copies {
    async fn apply(&self, txn: &Txn, event: &Event) -> Result<(), Heard> {
        match event.kind.as_str() {
            REGISTERED => keep_student(txn, event.read::<StudentRegistered>()?.student).await,
            UPDATED => keep_student(txn, event.read::<StudentUpdated>()?.student).await,
            MOVED => keep_student(txn, event.read::<StudentMoved>()?.student).await,
            DEACTIVATED => keep_student(txn, event.read::<StudentDeactivated>()?.student).await,
            ERASED => keep_student(txn, event.read::<StudentErased>()?.student).await,
            USER_CREATED => keep_person(txn, event, event.read::<UserCreated>()?.user).await,
            USER_UPDATED => keep_person(txn, event, event.read::<UserUpdated>()?.user).await,
            USER_DEACTIVATED => keep_person(txn, event, event.read::<UserDeactivated>()?.user).await,
            USER_ROLE_CHANGED => keep_person(txn, event, event.read::<UserRoleChanged>()?.user).await,
            USER_ERASED => forget_person(txn, event, &event.read::<UserErased>()?.user_id).await,
            _ => Err(Heard::unexpected(event)),
        }
    }
}

async fn keep_student(txn: &Txn, record: Option<StudentRecord>) -> Result<(), Heard> {
    let record = record.ok_or_else(|| Heard::lacks("student"))?;
    let student = student(&record).map_err(|why| Heard::Fail(format!("the record {}: {why}", record.id)))?;
    store::student::keep_in_txn(txn, &[student]).await?;
    Ok(())
}

/// An account as its event tells it. How many times it changed says the event itself.
async fn keep_person(txn: &Txn, event: &Event, user: Option<User>) -> Result<(), Heard> {
    let user = user.ok_or_else(|| Heard::lacks("account"))?;
    let record = PersonRecord {
        id: user.id,
        version: event.version,
        name: user.name,
        role: user.role,
        is_active: user.is_active,
    };
    let person = person(&record).map_err(|why| Heard::Fail(format!("the account {}: {why}", record.id)))?;
    // Students are known by their records; but whoever becomes one was somebody else before, and is given no work any more.
    if person.role != Role::Student || event.kind == USER_ROLE_CHANGED {
        store::person::keep_in_txn(txn, &[person]).await?;
    }
    Ok(())
}

async fn forget_person(txn: &Txn, event: &Event, id: &str) -> Result<(), Heard> {
    let id = Uuid::parse_str(id).map_err(|_| Heard::Fail("the account's id is no UUID".to_owned()))?;
    store::person::forget_in_txn(txn, id, event.version).await?;
    Ok(())
}

/// A student's record as grievances see it.
pub(crate) fn student(record: &StudentRecord) -> Result<Student, &'static str> {
    let room = record.room.as_ref();
    Ok(Student {
        id: Uuid::parse_str(&record.id).map_err(|_| "its id is no UUID")?,
        version: record.version,
        registration_no: record.registration_no.clone(),
        name: record.name.clone(),
        block: room.map(|room| room.block.clone()),
        room_no: room.map(|room| room.room_no.clone()),
        active: match record.state() {
            StudentState::Active => true,
            StudentState::Deactivated | StudentState::Erased => false,
            StudentState::Unspecified => return Err("it does not say where the student stands"),
        },
    })
}

/// An account as grievances see it.
pub(crate) fn person(record: &PersonRecord) -> Result<Person, &'static str> {
    Ok(Person {
        id: Uuid::parse_str(&record.id).map_err(|_| "its id is no UUID")?,
        version: record.version,
        name: record.name.clone(),
        role: match record.role() {
            Role::Unspecified => return Err("it does not say what the person may do"),
            role => role,
        },
        active: record.is_active,
    })
}

pub(crate) fn consumers(app: &Arc<App>) -> Vec<Consumer> {
    let topics = [
        REGISTERED,
        UPDATED,
        MOVED,
        DEACTIVATED,
        ERASED,
        USER_CREATED,
        USER_UPDATED,
        USER_DEACTIVATED,
        USER_ROLE_CHANGED,
        USER_ERASED,
    ];
    let subscription = Subscription::new("grievance", &topics);
    vec![
        Consumer::new(subscription, app.db.clone(), app.clock.clone(), Arc::new(Copies)),
        privacy::consumer(app),
    ]
}
