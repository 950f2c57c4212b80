//! Deactivating a student: sign-in ends, the room is free, the history stays.

use kit::{access::Caller, db::Txn, events::outbox};
use uuid::Uuid;

use super::{App, accounts, move_room};
use crate::{
    Error,
    domain::{State, Student},
    events, store,
};

pub(crate) async fn deactivate(app: &App, caller: &Caller, id: Uuid) -> Result<Student, Error> {
    let txn = app.db.begin().await?;
    let before = store::student::lock_in_txn(&txn, &app.private, id).await?;
    let before = before.ok_or(Error::UnknownStudent)?;
    let version = before.version;
    let after = leave_in_txn(app, caller, &txn, before).await?;
    if after.version != version {
        txn.commit().await?;
    }
    // Also the second time: the first may not have reached auth.
    if after.state == State::Deactivated {
        accounts::conform_soon(app, caller, &after).await;
    }
    Ok(after)
}

/// The same for a student whom the transaction holds; the caller commits, and has the account conform.
pub(crate) async fn leave_in_txn(app: &App, caller: &Caller, txn: &Txn, student: Student) -> Result<Student, Error> {
    let before = student.room.clone();
    let now = app.clock.now();
    let Some(after) = student.clone().leave(now) else {
        return Ok(student);
    };
    move_room::exchange_in_txn(txn, before.as_ref().map(|room| room.id), None).await?;
    store::stay::end_in_txn(txn, after.id, now).await?;
    if !store::student::update_in_txn(txn, &app.private, &after).await? {
        return Err(Error::ChangedMeanwhile);
    }
    outbox::add(txn, events::deactivated(&app.clock, caller, &after, before.as_ref())).await?;
    Ok(after)
}
