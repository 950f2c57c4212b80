//! Changing an account: its name, whether it can sign in.

use kit::{access::Caller, db::Txn, events::outbox};
use proto::options::Role;
use uuid::Uuid;

use super::App;
use crate::{
    Error,
    domain::{User, user::Change},
    events, store,
};

/// Two people changing one account at once: so often the loser tries again on what the winner left.
const TRIES: usize = 3;

pub(crate) async fn change(app: &App, caller: &Caller, id: Uuid, change: &Change) -> Result<User, Error> {
    for _ in 0..TRIES {
        match try_change(app, caller, id, change.clone()).await {
            Err(Error::ChangedMeanwhile) => {}
            outcome => return outcome,
        }
    }
    Err(Error::ChangedMeanwhile)
}

async fn try_change(app: &App, caller: &Caller, id: Uuid, change: Change) -> Result<User, Error> {
    let manager = app.manager(caller).await?;
    let before = store::user::find(app.db.reader(), caller, id)
        .await?
        .ok_or(Error::UnknownUser)?;
    let after = before.clone().change(change, manager, app.clock.now())?;
    if after == before {
        return Ok(before);
    }
    let txn = app.db.begin().await?;
    if before.is_active() && !after.is_active() {
        deactivate(app, &txn, &before).await?;
    }
    if !store::user::update_in_txn(&txn, &after).await? {
        return Err(Error::ChangedMeanwhile);
    }
    outbox::add(&txn, events::changed(&app.clock, caller, &before, &after)).await?;
    txn.commit().await?;
    app.forget(id);
    Ok(after)
}

/// What else happens when somebody can no longer sign in.
async fn deactivate(app: &App, txn: &Txn, user: &User) -> Result<(), Error> {
    if user.role == Role::Admin && !store::user::other_active_admin_in_txn(txn, user.id).await? {
        return Err(Error::LastAdmin);
    }
    Ok(store::session::end_all_in_txn(txn, user.id, app.clock.now()).await?)
}
