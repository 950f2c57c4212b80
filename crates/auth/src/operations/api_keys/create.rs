//! Creating a key.

use chrono::Duration;
use kit::{access::Caller, db::Txn, events::outbox};
use proto::options::Role;
use rand::distr::{Alphanumeric, SampleString as _};

use super::super::App;
use crate::{
    Error,
    domain::{
        User,
        api_key::{AllowedIps, ApiKey, KeyName, KeySecret, MOST_LIVE, SECRET_LENGTH},
        role::may_manage,
        user::Manager,
    },
    events, store,
};

/// A key that somebody asks for.
pub(crate) struct NewKey {
    pub name: KeyName,
    pub role: Role,
    pub life: Duration,
    pub allowed_ips: AllowedIps,
}

/// Decides whether the caller may create the key, and who owns it then.
pub(crate) async fn prepare(app: &App, caller: &Caller, new: &NewKey) -> Result<Manager, Error> {
    let owner = super::keeper(app, caller).await?;
    if !may_manage(owner.role, new.role) {
        return Err(Error::RoleAboveOwn(new.role.as_str_name()));
    }
    Ok(owner)
}

/// Stores the key with its event; the caller commits.
pub(crate) async fn store_in_txn(
    app: &App,
    caller: &Caller,
    txn: &Txn,
    owner: Manager,
    new: NewKey,
) -> Result<(ApiKey, KeySecret), Error> {
    let now = app.clock.now();
    // While the owner is locked nobody else creates a key of theirs, takes away their role or deactivates them.
    let locked = store::user::lock_in_txn(txn, owner.id).await?.filter(User::is_active);
    if !locked.is_some_and(|owner| may_manage(owner.role, new.role)) {
        return Err(Error::RoleAboveOwn(new.role.as_str_name()));
    }
    if store::api_key::count_live_in_txn(txn, owner.id, now).await? >= MOST_LIVE {
        return Err(Error::TooManyKeys);
    }
    let secret = KeySecret::new(&Alphanumeric.sample_string(&mut rand::rng(), SECRET_LENGTH));
    let key = ApiKey {
        id: app.clock.new_id(),
        owner_id: owner.id,
        name: new.name,
        prefix: secret.prefix(),
        role: new.role,
        allowed_ips: new.allowed_ips,
        version: 1,
        created_at: now,
        expires_at: now + new.life,
        last_used_at: None,
        last_refused_at: None,
        revoked_at: None,
    };
    store::api_key::insert_in_txn(txn, &key, secret.hash()).await?;
    outbox::add(txn, events::api_key::created(&app.clock, caller, &key)).await?;
    Ok((key, secret))
}
