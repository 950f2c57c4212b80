//! Changing an account: its name, whether it can sign in.

use kit::{
    access::Caller,
    db::Txn,
    events::{Draft, outbox},
};
use proto::{
    auth::{UserDeactivated, UserUpdated},
    options::Role,
};
use uuid::Uuid;

use super::App;
use crate::{
    Error,
    domain::{User, user::Change},
    rpc::convert,
    service::SOURCE,
    store,
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
    outbox::add(&txn, event(app, caller, &before, &after)).await?;
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

fn event(app: &App, caller: &Caller, before: &User, after: &User) -> Draft {
    let user = Some(convert::user(after));
    if before.is_active() && !after.is_active() && before.name == after.name {
        let event = UserDeactivated { user };
        return Draft::new(&app.clock, caller, SOURCE, after.id, after.version, &event);
    }
    let event = UserUpdated {
        user,
        before: Some(convert::user(before)),
    };
    Draft::new(&app.clock, caller, SOURCE, after.id, after.version, &event)
}
