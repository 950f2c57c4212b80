//! Revoking keys.

use kit::{access::Caller, db::Txn, events::outbox};
use proto::options::Role;
use uuid::Uuid;

use super::super::{App, sessions::Ended};
use crate::{Error, domain::api_key::ApiKey, events, store};

/// Revokes one key; one that is revoked already stays as it is.
pub(crate) async fn revoke(app: &App, caller: &Caller, id: Uuid) -> Result<ApiKey, Error> {
    let keeper = super::keeper(app, caller).await?;
    let txn = app.db.begin().await?;
    let found = store::api_key::find(&*txn, keeper, id)
        .await?
        .ok_or(Error::UnknownApiKey)?;
    let Some(revoked) = store::api_key::revoke_in_txn(&txn, id, app.clock.now()).await? else {
        // Somebody else may have revoked it since it was found.
        return Ok(store::api_key::by_id(&*txn, id).await?.unwrap_or(found));
    };
    outbox::add(&txn, events::api_key::revoked(&app.clock, caller, &revoked)).await?;
    txn.commit().await?;
    app.sessions_ended(&Ended(vec![id]));
    Ok(revoked)
}

/// Revokes the keys of somebody who can do less from now on: all but those with one of the roles `kept`. These are what the
/// owner's new role manages, and none where the owner is deactivated. Access tokens made of the keys end as sessions do.
pub(crate) async fn revoke_of_owner_in_txn(
    app: &App,
    txn: &Txn,
    caller: &Caller,
    owner: Uuid,
    kept: &[Role],
) -> Result<Ended, Error> {
    let revoked = store::api_key::revoke_of_owner_in_txn(txn, owner, kept, app.clock.now()).await?;
    let told = revoked
        .iter()
        .map(|key| events::api_key::revoked(&app.clock, caller, key));
    outbox::add_many(txn, told).await?;
    Ok(Ended(revoked.iter().map(|key| key.id).collect()))
}
