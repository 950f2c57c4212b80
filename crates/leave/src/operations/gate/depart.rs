//! A student leaves the hostel.

use kit::{access::Caller, db::Txn, events::outbox};
use uuid::Uuid;

use super::view::{self, Absence};
use crate::{
    Error,
    domain::{GateRefusal, Leave, Movement},
    events,
    operations::App,
    store,
};

/// Notes that the student of a granted leave left, once.
pub(crate) async fn depart(app: &App, caller: &Caller, id: Uuid) -> Result<Absence, Error> {
    let (guard, _) = caller.user()?;
    let now = app.clock.now();
    let txn = app.db.begin().await?;
    let leave = store::leave::held_in_txn(&txn, &app.private, caller, id).await?;
    if let Some(before) = store::movement::find(&*txn, leave.root_id).await? {
        return Err(Error::Gate(GateRefusal::Departed(before.departed_at)));
    }
    let chain = store::leave::chain(&*txn, &app.private, leave.root_id).await?;
    let movement = Movement {
        root_id: leave.root_id,
        departed_at: now,
        departed_by: guard,
        out_until: chain.depart(app.today()).map_err(Error::Gate)?,
        returned: None,
    };
    if !store::movement::depart_in_txn(&txn, leave.student_id, &movement).await? {
        return Err(out_already(&txn, &leave).await?);
    }
    let root = store::leave::touch_in_txn(&txn, &app.private, leave.root_id, now).await?;
    let root = root.ok_or(Error::UnknownLeave)?;
    outbox::add(&txn, events::departed(&app.clock, caller, &root, now)).await?;
    let absence = view::absence(&*txn, app, &root, movement).await?;
    txn.commit().await?;
    Ok(absence)
}

async fn out_already(txn: &Txn, leave: &Leave) -> Result<Error, Error> {
    let other = store::movement::out_on(&**txn, leave.student_id).await?;
    Ok(other.map_or(Error::ChangedMeanwhile, |other| {
        Error::Gate(GateRefusal::OutOnAnother(other))
    }))
}
