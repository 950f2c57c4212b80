//! Changing an account: its name, its role, whether it can sign in.

use kit::{access::Caller, db::Txn, events::outbox};
use proto::{auth::SessionEnd, options::Role};
use uuid::Uuid;

use super::{
    App, api_keys,
    sessions::{self, Ended},
};
use crate::{
    Error,
    domain::{User, role::managed_by, user::Change},
    events,
    store::{self, session::Which},
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
    // The record's next change would undo it without a word.
    if store::record::has_one_in_txn(&txn, id).await? {
        return Err(Error::FollowsRecord);
    }
    // Before any row of an account is written: two who take each other's role wait for one another in one order.
    keep_an_admin(&txn, &before, &after).await?;
    if !store::user::update_in_txn(&txn, &after).await? {
        return Err(Error::ChangedMeanwhile);
    }
    outbox::add(&txn, events::changed(&app.clock, caller, &before, &after)).await?;
    let ended = end_sessions(app, caller, &txn, (&before, &after)).await?;
    txn.commit().await?;
    app.sessions_ended(&ended);
    app.forget_everybody();
    Ok(after)
}

/// Refuses what would leave the installation without anybody who can manage it.
async fn keep_an_admin(txn: &Txn, before: &User, after: &User) -> Result<(), Error> {
    let counts = |user: &User| user.role == Role::Admin && user.is_active();
    if counts(before) && !counts(after) && !store::user::other_active_admin_in_txn(txn, after.id).await? {
        return Err(Error::LastAdmin);
    }
    Ok(())
}

/// Nobody goes on in a session of an account that is closed, or with a role of before; nor does a key of theirs.
async fn end_sessions(app: &App, caller: &Caller, txn: &Txn, (before, after): (&User, &User)) -> Result<Ended, Error> {
    let (why, kept) = if before.is_active() && !after.is_active() {
        (SessionEnd::Deactivated, Vec::new())
    } else if before.role != after.role {
        (SessionEnd::Role, managed_by(after.role))
    } else {
        return Ok(Ended::default());
    };
    let mut ended = sessions::end_in_txn(app, txn, caller, (after.id, Which::All), why).await?;
    let keys = api_keys::revoke::revoke_of_owner_in_txn(app, txn, caller, after.id, &kept).await?;
    ended.0.extend(keys.0);
    Ok(ended)
}
