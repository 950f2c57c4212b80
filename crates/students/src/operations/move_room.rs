//! Moving a student into a room, or out of one.

use kit::{access::Caller, db::Txn, events::outbox};
use uuid::Uuid;

use super::App;
use crate::{
    Error,
    domain::{RoomRef, Student},
    events, store,
};

pub(crate) const NO_SUCH_ROOM: &str = "must be the id of a room";

/// The room that a request names, or what was expected of the name.
pub(crate) async fn named(app: &App, id: Option<&str>) -> Result<Result<Option<Uuid>, &'static str>, Error> {
    let Some(text) = id else {
        return Ok(Ok(None));
    };
    let id = match kit::id::parse(text) {
        Ok(id) => id,
        Err(expected) => return Ok(Err(expected)),
    };
    let found = store::room::find(app.db.reader(), id).await?;
    Ok(found.map(|room| Some(room.id)).ok_or(NO_SUCH_ROOM))
}

/// Moves a student into a room, or out of any.
pub(crate) async fn move_to(app: &App, caller: &Caller, id: Uuid, to: Option<Uuid>) -> Result<Student, Error> {
    let txn = app.db.begin().await?;
    let before = store::student::lock_in_txn(&txn, &app.private, id).await?;
    let before = before.ok_or(Error::UnknownStudent)?;
    let version = before.version;
    let after = move_in_txn(app, caller, &txn, before, to).await?;
    if after.version != version {
        txn.commit().await?;
    }
    Ok(after)
}

/// The same for a student whom the transaction holds; the caller commits.
pub(crate) async fn move_in_txn(
    app: &App,
    caller: &Caller,
    txn: &Txn,
    student: Student,
    to: Option<Uuid>,
) -> Result<Student, Error> {
    let before = student.room.clone();
    if to.is_some() {
        student.may_live_here()?;
    }
    if before.as_ref().map(|room| room.id) == to {
        return Ok(student);
    }
    let now = app.clock.now();
    let room = exchange_in_txn(txn, before.as_ref().map(|room| room.id), to).await?;
    let after = student.settle(room, now);
    if !store::student::update_in_txn(txn, &app.private, &after).await? {
        return Err(Error::ChangedMeanwhile);
    }
    store::stay::end_in_txn(txn, after.id, now).await?;
    if let Some(room) = &after.room {
        store::stay::begin_in_txn(txn, app.clock.new_id(), after.id, room, now).await?;
    }
    outbox::add(txn, events::moved(&app.clock, caller, &after, before.as_ref())).await?;
    Ok(after)
}

/// Gives a place back and takes another, in the order of the rooms' ids: two who change places do not wait for each other.
pub(super) async fn exchange_in_txn(txn: &Txn, from: Option<Uuid>, to: Option<Uuid>) -> Result<Option<RoomRef>, Error> {
    let vacate_last = from.is_some() && to < from;
    if let Some(from) = from.filter(|_| !vacate_last) {
        store::room::vacate_in_txn(txn, from).await?;
    }
    let room = match to {
        Some(to) => Some(store::room::occupy_in_txn(txn, to).await?),
        None => None,
    };
    if let Some(from) = from.filter(|_| vacate_last) {
        store::room::vacate_in_txn(txn, from).await?;
    }
    Ok(room)
}
