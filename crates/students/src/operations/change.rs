//! Changing a student's record: fields, room, whether they are one of the hostel's.

use kit::{access::Caller, db::Txn, events::outbox};
use proto::students::UpdateStudentRequest;
use uuid::Uuid;

use super::{App, accounts, deactivate::leave_in_txn, move_room::move_in_txn, settle};
use crate::{
    Error,
    domain::{Change, State, Student, Term},
    events,
    store::{self, intent::Intent},
};

/// What somebody wants to change.
pub(crate) struct Wish {
    pub change: Change,
    pub deactivate: bool,
    pub room: Option<Uuid>,
}

/// The term of the student whom a request is about, if it names one of year and semester, which must agree with the other.
/// `None` also where there is no such student.
pub(crate) async fn term_before(
    app: &App,
    caller: &Caller,
    request: &UpdateStudentRequest,
) -> Result<Option<Term>, Error> {
    let names_one = request.year.is_some() != request.semester.is_some();
    let (Ok(id), true) = (kit::id::parse(&request.id), names_one) else {
        return Ok(None);
    };
    let student = store::student::find(app.db.reader(), &app.private, caller, id).await?;
    Ok(student.map(|student| student.term))
}

/// What came of a change.
struct Changed {
    student: Student,
    /// Whether the account has to hear of it.
    concerns_account: bool,
}

pub(crate) async fn change(app: &App, caller: &Caller, id: Uuid, wish: &Wish) -> Result<Student, Error> {
    let before = store::student::find(app.db.reader(), &app.private, caller, id).await?;
    let before = before.ok_or(Error::UnknownStudent)?;
    let wanted = before.clone().edit(&wish.change, app.clock.now())?;
    let changed = match wanted {
        Some((after, fields)) if is_reserved(&fields) => {
            let intent = Intent {
                id: app.clock.new_id(),
                student_id: id,
                request_key: None,
                begun_at: app.clock.now(),
            };
            let work = commit(app, caller, id, wish, Some(intent.id));
            let reservation = accounts::reservation(&after, None);
            Box::pin(settle::with_reservation(app, caller, intent, reservation, work)).await?
        }
        _ => commit(app, caller, id, wish, None).await?,
    };
    if changed.concerns_account {
        accounts::conform_soon(app, caller, &changed.student).await;
    }
    Ok(changed.student)
}

/// Whether fields are among these that must be unique in auth, too.
fn is_reserved(fields: &[&str]) -> bool {
    fields.iter().any(|field| ["email", "registration_no"].contains(field))
}

/// Does what is wished on the record as it is now, each part an event of its own.
async fn commit(app: &App, caller: &Caller, id: Uuid, wish: &Wish, intent: Option<Uuid>) -> Result<Changed, Error> {
    let txn = app.db.begin().await?;
    if let Some(intent) = intent {
        store::intent::complete_in_txn(&txn, &[intent]).await?;
    }
    let before = store::student::lock_in_txn(&txn, &app.private, id).await?;
    let before = before.ok_or(Error::UnknownStudent)?;
    let (student, fields) = edit_in_txn(app, caller, &txn, before, wish).await?;
    // Somebody else changed the address or number since they were compared: nothing was reserved for this.
    if intent.is_none() && is_reserved(&fields) {
        return Err(Error::ChangedMeanwhile);
    }
    let was_active = student.is_active();
    let student = match wish.room {
        Some(_) if wish.deactivate => return Err(Error::Deactivated),
        Some(room) => move_in_txn(app, caller, &txn, student, Some(room)).await?,
        None if wish.deactivate => leave_in_txn(app, caller, &txn, student).await?,
        None => student,
    };
    txn.commit().await?;
    let told = |field: &&str| ["email", "registration_no", "name", "is_active"].contains(field);
    Ok(Changed {
        concerns_account: fields.iter().any(told) || was_active && student.state == State::Deactivated,
        student,
    })
}

/// The record with its fields changed, and which.
async fn edit_in_txn(
    app: &App,
    caller: &Caller,
    txn: &Txn,
    student: Student,
    wish: &Wish,
) -> Result<(Student, Vec<&'static str>), Error> {
    let Some((after, fields)) = student.clone().edit(&wish.change, app.clock.now())? else {
        return Ok((student, Vec::new()));
    };
    if !store::student::update_in_txn(txn, &app.private, &after).await? {
        return Err(Error::ChangedMeanwhile);
    }
    outbox::add(txn, events::updated(&app.clock, caller, &after, &fields)).await?;
    Ok((after, fields))
}
