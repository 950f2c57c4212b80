//! Registering a student: the record here and the account in auth come to be together, or neither does.
//!
//! An intent is committed, the account reserved, the record committed in the transaction that ends the intent, and the account
//! made active: at once, and by the record's event in any case. Whatever ends in between is undone, by [`settle::undo`] or,
//! where this process ends, by the job that looks for old intents.

use kit::{
    Fault,
    access::Caller,
    contact::{Email, PersonName, RegistrationNumber},
    events::outbox,
    fault::Violation,
    idempotency::{self, Attempt},
};
use proto::students::{RegisterStudentRequest, Student as Message};
use uuid::Uuid;

use super::{App, accounts, move_room, settle};
use crate::{
    Error,
    domain::{Private, State, Student, Term},
    events,
    rpc::convert,
    store::{self, intent::Intent},
};

const RPC: &str = "RegisterStudent";

/// A student who is to be registered.
pub(crate) struct NewStudent {
    pub email: Email,
    pub registration_no: RegistrationNumber,
    pub name: PersonName,
    pub private: Private,
    pub term: Term,
    pub room: Option<Uuid>,
    /// Its rules are auth's.
    pub password: Option<String>,
}

/// What is wrong with a registration, and what auth finds wrong with its password: said together, if auth answers.
pub(crate) async fn with_wrong_password(
    app: &App,
    caller: &Caller,
    request: &RegisterStudentRequest,
    mut wrong: Fault,
) -> Fault {
    let is_known = |violation: &Violation| violation.field == "password";
    let Some(password) = request
        .password
        .clone()
        .filter(|_| !wrong.violations.iter().any(is_known))
    else {
        return wrong;
    };
    match accounts::check_password(app, caller, password).await {
        Ok(violation) => wrong.violations.extend(violation),
        Err(error) => tracing::warn!(%error, "auth does not say whether the password is good"),
    }
    wrong
}

/// Registers a student; the answer is kept for repetitions of the request.
pub(crate) async fn register(
    app: &App,
    caller: &Caller,
    request: &RegisterStudentRequest,
    new: NewStudent,
) -> Result<Message, Error> {
    if let Some(answer) = app.answers.given(&app.db, caller, RPC, request).await? {
        return Ok(answer);
    }
    match try_register(app, caller, request, new).await {
        Ok(answer) => Ok(answer),
        // Another try of this request may have got there meanwhile, or a commit whose own answer was lost.
        Err(error) => match app.answers.given(&app.db, caller, RPC, request).await {
            Ok(Some(answer)) => Ok(answer),
            _ => Err(error),
        },
    }
}

async fn try_register(
    app: &App,
    caller: &Caller,
    request: &RegisterStudentRequest,
    new: NewStudent,
) -> Result<Message, Error> {
    let (room, password) = (new.room, new.password.clone());
    let student = record(app, new);
    refuse_early(app, &student, room).await?;
    let intent = Intent {
        id: app.clock.new_id(),
        student_id: student.id,
        request_key: idempotency::request_key(caller, RPC),
        begun_at: app.clock.now(),
    };
    let id = intent.id;
    let reservation = accounts::reservation(&student, password);
    let work = commit(app, caller, request, id, (student, room));
    let done = Box::pin(settle::with_reservation(app, caller, intent, reservation, work));
    let (student, answer) = done.await?;
    accounts::conform_soon(app, caller, &student).await;
    Ok(answer)
}

/// A student's first record.
pub(super) fn record(app: &App, new: NewStudent) -> Student {
    let now = app.clock.now();
    Student {
        id: app.clock.new_id(),
        registration_no: new.registration_no,
        name: new.name,
        email: new.email,
        private: new.private,
        term: new.term,
        room: None,
        state: State::Active,
        version: 1,
        created_at: now,
        updated_at: now,
    }
}

/// Most of what will be refused can be told before anybody is troubled; the database has the last word.
async fn refuse_early(app: &App, student: &Student, room: Option<Uuid>) -> Result<(), Error> {
    let reader = app.db.reader();
    if let Some(field) = store::student::taken_field(reader, &student.email, &student.registration_no).await? {
        return Err(Error::Taken(field));
    }
    if let Some(room) = room {
        let room = store::room::find(reader, room).await?.ok_or(Error::UnknownRoom)?;
        if room.occupied >= room.capacity {
            return Err(Error::RoomFull);
        }
    }
    Ok(())
}

async fn commit(
    app: &App,
    caller: &Caller,
    request: &RegisterStudentRequest,
    intent: Uuid,
    (mut student, room): (Student, Option<Uuid>),
) -> Result<(Student, Message), Error> {
    let once = match idempotency::begin::<Vec<u8>>(&app.db, &app.clock, caller, RPC, request).await? {
        Attempt::First(once) => once,
        // Another try got there first: its answer is the one to give.
        Attempt::Repeated(_) => return Err(Error::StillAtWork),
    };
    store::intent::complete_in_txn(&once, &[intent]).await?;
    student.room = move_room::exchange_in_txn(&once, None, room).await?;
    store::student::insert_in_txn(&once, &app.private, &student).await?;
    if let Some(room) = &student.room {
        store::stay::begin_in_txn(&once, app.clock.new_id(), student.id, room, student.created_at).await?;
    }
    outbox::add(&once, events::registered(&app.clock, caller, &student)).await?;
    let answer = convert::student(&student);
    once.commit(&app.answers.sealed(caller, RPC, &answer)).await?;
    Ok((student, answer))
}
