//! A key in exchange for a short access token. Whatever is wrong gets one answer.

use std::net::IpAddr;

use chrono::Duration;
use kit::{
    access::{Caller, Identity},
    events::outbox,
};

use super::super::App;
use crate::{
    Error,
    domain::api_key::{ApiKey, KeySecret},
    events, store,
};

/// How long an access token of a key holds, at most.
const LIFE: Duration = Duration::minutes(5);
/// How far apart the notes are that a key is in use: a busy key fills no trail.
const USES_APART: Duration = Duration::minutes(5);
/// The same for a key at a wrong address.
const REFUSALS_APART: Duration = Duration::minutes(1);

/// An access token.
pub(crate) struct Exchanged {
    pub access_token: String,
    pub life: Duration,
}

pub(crate) async fn exchange(app: &App, caller: &Caller, text: &str) -> Result<Exchanged, Error> {
    let now = app.clock.now();
    let secret = KeySecret::parse(text).ok_or(Error::ApiKeyRefused)?;
    let key = store::api_key::by_hash(app.db.reader(), &secret.hash())
        .await?
        .ok_or(Error::ApiKeyRefused)?;
    // Whole seconds, as in the token; a key about to end gives none that has ended already.
    let life = Duration::seconds((key.expires_at - now).min(LIFE).num_seconds());
    let owner = store::user::by_id(app.db.reader(), key.owner_id).await?;
    let acts = owner.is_some_and(|owner| key.acts_for(&owner, now));
    if !acts || life <= Duration::zero() {
        return Err(Error::ApiKeyRefused);
    }
    let address: Option<IpAddr> = caller.ip.as_deref().and_then(|ip| ip.parse().ok());
    if !key.allowed_ips.admit(address) {
        note_refusal(app, caller, &key).await?;
        return Err(Error::ApiKeyRefused);
    }
    let access_token = app
        .signer
        .access_token(&app.clock, (key.owner_id, key.role), key.id, life)?;
    note_use(app, caller, &key).await?;
    Ok(Exchanged { access_token, life })
}

async fn note_use(app: &App, caller: &Caller, key: &ApiKey) -> Result<(), Error> {
    let now = app.clock.now();
    if key.last_used_at.is_some_and(|at| at > now - USES_APART) {
        return Ok(());
    }
    let identity = Identity::User {
        id: key.owner_id,
        role: key.role,
        session: key.id,
    };
    let actor = Caller {
        identity,
        ..caller.clone()
    };
    let txn = app.db.begin().await?;
    if let Some(version) = store::api_key::note_use_in_txn(&txn, key.id, now, USES_APART).await? {
        outbox::add(&txn, events::api_key::used(&app.clock, &actor, (key.id, version))).await?;
        txn.commit().await?;
    }
    Ok(())
}

async fn note_refusal(app: &App, caller: &Caller, key: &ApiKey) -> Result<(), Error> {
    let now = app.clock.now();
    if key.last_refused_at.is_some_and(|at| at > now - REFUSALS_APART) {
        return Ok(());
    }
    let txn = app.db.begin().await?;
    let noted = store::api_key::note_refusal_in_txn(&txn, key.id, now, REFUSALS_APART).await?;
    if let Some(version) = noted {
        outbox::add(&txn, events::api_key::refused(&app.clock, caller, (key.id, version))).await?;
        txn.commit().await?;
    }
    Ok(())
}
