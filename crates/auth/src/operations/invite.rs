//! Inviting somebody once more: a letter with a code for the first password.

use kit::access::Caller;
use uuid::Uuid;

use super::{
    App,
    letters::{self, Kind, To},
};
use crate::{
    Error,
    domain::{role::may_manage, user::Refusal},
    store,
};

pub(crate) async fn invite(app: &App, caller: &Caller, id: Uuid) -> Result<(), Error> {
    let manager = app.manager(caller).await?;
    let user = store::user::find(app.db.reader(), caller, id)
        .await?
        .ok_or(Error::UnknownUser)?;
    if !may_manage(manager.role, user.role) {
        return Err(Refusal::AboveOwnRole.into());
    }
    if !user.is_active() {
        return Err(Error::Deactivated);
    }
    let found = store::user::credentials(app.db.reader(), id).await?;
    if found.is_some_and(|found| found.password_hash.is_some()) {
        return Err(Error::HasPassword);
    }
    let txn = app.db.begin().await?;
    letters::order_in_txn(app, &txn, Kind::Invitation, To::User(id)).await?;
    txn.commit().await?;
    app.post.wake();
    Ok(())
}
