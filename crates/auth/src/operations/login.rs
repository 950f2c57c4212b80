//! Signing in: unknown, deactivated and mistyped cost the same time and get the same answer.

use chrono::Duration;
use kit::{
    access::{Caller, Identity},
    events::outbox,
};

use super::App;
use crate::{
    Error,
    domain::User,
    events,
    store::{self, session::NewSession},
    tokens::RefreshToken,
};

/// A person at the door.
pub(crate) struct Attempt {
    pub identifier: String,
    pub password: String,
}

/// A person inside.
pub(crate) struct SignedIn {
    pub access_token: String,
    pub refresh_token: String,
    pub expires_in: Duration,
    pub user: User,
}

pub(crate) async fn login(app: &App, caller: &Caller, attempt: Attempt) -> Result<SignedIn, Error> {
    let found = store::user::find_by_identifier(app.db.reader(), &attempt.identifier).await?;
    // Deactivated people cost the time of a wrong password, too.
    let hash = found
        .as_ref()
        .filter(|found| found.user.is_active())
        .and_then(|found| found.password_hash.clone());
    let matches = app.hashing.verify(attempt.password, hash).await?;
    let user = found.filter(|_| matches).ok_or(Error::InvalidCredentials)?.user;
    begin_session(app, caller, user).await
}

async fn begin_session(app: &App, caller: &Caller, user: User) -> Result<SignedIn, Error> {
    let now = app.clock.now();
    let session = app.clock.new_id();
    let refresh = RefreshToken::generate();
    let life = Duration::minutes(app.config.access_token_minutes.into());
    let access_token = app
        .signer
        .access_token(&app.clock, (user.id, user.role), session, life)?;
    let new = NewSession {
        id: session,
        user_id: user.id,
        refresh_hash: refresh.hash,
        ip: caller.ip.clone(),
        user_agent: caller.user_agent.clone(),
        created_at: now,
        expires_at: now + Duration::days(app.config.refresh_token_days.into()),
    };
    // The caller is nobody until now; what happened was done by the one who signed in.
    let identity = Identity::User {
        id: user.id,
        role: user.role,
        session,
    };
    let actor = Caller {
        identity,
        ..caller.clone()
    };

    let txn = app.db.begin().await?;
    let version = store::user::record_login_in_txn(&txn, user.id, now)
        .await?
        .ok_or(Error::InvalidCredentials)?;
    store::session::insert_in_txn(&txn, new).await?;
    outbox::add(&txn, events::signed_in(&app.clock, &actor, (user.id, version), session)).await?;
    txn.commit().await?;
    Ok(SignedIn {
        access_token,
        refresh_token: refresh.token,
        expires_in: life,
        user,
    })
}
