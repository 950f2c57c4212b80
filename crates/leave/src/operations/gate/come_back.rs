//! A student comes back to the hostel.

use kit::{access::Caller, events::outbox};
use uuid::Uuid;

use super::view::{self, Absence};
use crate::{
    Error,
    domain::{GateRefusal, Movement, Returned},
    events,
    operations::{App, chain},
    store,
};

/// Notes that the student of a leave is back, once: what is left of it ends today, and what extends it is taken back.
pub(crate) async fn come_back(app: &App, caller: &Caller, id: Uuid) -> Result<Absence, Error> {
    let (guard, _) = caller.user()?;
    let (now, today) = (app.clock.now(), app.today());
    let txn = app.db.begin().await?;
    let leave = store::leave::held_in_txn(&txn, &app.private, caller, id).await?;
    let root_id = leave.root_id;
    let movement = store::movement::find(&*txn, root_id).await?;
    let movement = movement.ok_or(Error::Gate(GateRefusal::NotDeparted))?;
    if let Some(before) = movement.returned {
        return Err(Error::Gate(GateRefusal::Returned(before.at)));
    }
    let whole = store::leave::chain(&*txn, &app.private, root_id).await?;
    let changes = whole.come_back(guard, now, today).map_err(Error::Refused)?;
    chain::keep_in_txn(app, caller, &txn, changes).await?;
    let returned = Returned {
        at: now,
        by: guard,
        is_late: movement.out_until < today,
    };
    let out_until = movement.out_until.min(today);
    if !store::movement::return_in_txn(&txn, root_id, returned, out_until).await? {
        return Err(Error::ChangedMeanwhile);
    }
    let root = store::leave::touch_in_txn(&txn, &app.private, root_id, now).await?;
    let root = root.ok_or(Error::UnknownLeave)?;
    outbox::add(&txn, events::returned(&app.clock, caller, &root, returned)).await?;
    let movement = Movement {
        out_until,
        returned: Some(returned),
        ..movement
    };
    let absence = view::absence(&*txn, app, &root, movement).await?;
    txn.commit().await?;
    Ok(absence)
}
