//! Taking a leave back, and ending one that nobody left on.

use kit::{access::Caller, db::Txn};
use proto::{leave as message, options::Role};
use uuid::Uuid;

use crate::{
    Error,
    domain::{Change, Leave},
    operations::{App, chain, shown},
    store,
};

/// Takes a leave back, and gives its days back with it. Whoever decides at the same moment, or lets the student out, is there
/// first or too late.
pub(crate) async fn cancel(app: &App, caller: &Caller, id: Uuid) -> Result<message::Leave, Error> {
    let (by, _) = caller.user()?;
    let (now, today) = (app.clock.now(), app.today());
    let txn = app.db.begin().await?;
    let before = store::leave::held_in_txn(&txn, &app.private, caller, id).await?;
    let after = if is_ended_by_hostel_in_txn(&txn, caller, &before).await? {
        before.clone().end_unused(by, now, today)
    } else {
        before.clone().cancel(by, now, today)
    };
    let after = after.map_err(Error::Refused)?;
    let after = chain::keep_one_in_txn(app, caller, &txn, Change { before, after }).await?;
    chain::take_back_after_in_txn(app, caller, &txn, &after).await?;
    chain::put_off_in_txn(app, &txn, &after).await?;
    let answer = shown::one(app, &*txn, caller, after).await?;
    txn.commit().await?;
    Ok(answer)
}

/// Whether the caller may end the leave although it has begun: staff, where the gate saw nobody leave on it.
async fn is_ended_by_hostel_in_txn(txn: &Txn, caller: &Caller, leave: &Leave) -> Result<bool, Error> {
    let (_, role) = caller.user()?;
    let is_staff = matches!(role, Role::Warden | Role::Admin);
    Ok(is_staff && store::movement::find(&**txn, leave.root_id).await?.is_none())
}
