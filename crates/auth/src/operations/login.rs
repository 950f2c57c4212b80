//! Signing in: unknown, deactivated and mistyped cost the same time and get the same answer.

use chrono::Duration;
use kit::{
    access::{Caller, Identity},
    db::Txn,
    events::outbox,
};
use uuid::Uuid;

use super::{
    App, door,
    second_factor::{self, Challenge},
    sessions,
};
use crate::{
    Error,
    domain::{User, device},
    events::{self, SignIn},
    store::{self, session::NewSession, sign_in::Proof},
    tokens::SecretToken,
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

/// How signing in goes on after the right password.
pub(crate) enum Outcome {
    SignedIn(SignedIn),
    /// A second factor is due.
    Challenge(Challenge),
}

/// Whose password is set anew while they sign in is looked at once more, with that one.
const TRIES: usize = 2;

pub(crate) async fn login(app: &App, caller: &Caller, attempt: Attempt) -> Result<Outcome, Error> {
    for _ in 0..TRIES {
        match try_login(app, caller, &attempt).await {
            Err(Error::ChangedMeanwhile) => {}
            outcome => return outcome,
        }
    }
    Err(Error::InvalidCredentials)
}

async fn try_login(app: &App, caller: &Caller, attempt: &Attempt) -> Result<Outcome, Error> {
    let found = store::user::find_by_identifier(app.db.reader(), &attempt.identifier).await?;
    // Deactivated people cost the time of a wrong password, too.
    let hash = found
        .as_ref()
        .filter(|found| found.user.is_active())
        .and_then(|found| found.password_hash.clone());
    let verified = app.hashing.verify_and_refresh(attempt.password.clone(), hash.clone());
    let verified = verified.await?;
    let user = door::admit(app, caller, found, verified.matches).await?;
    // Nobody is let in without one.
    let hash = hash.ok_or(Error::InvalidCredentials)?;
    let outcome = enter(app, caller, &user, &hash).await?;
    // It is decided by now: whatever becomes of this, they are in.
    if let Some(fresh) = verified.fresh
        && let Err(error) = rehash(app, user.id, &hash, &fresh).await
    {
        tracing::warn!(%error, user = %user.id, "a password stays under a hash of another cost for now");
    }
    Ok(outcome)
}

async fn enter(app: &App, caller: &Caller, user: &User, hash: &str) -> Result<Outcome, Error> {
    if let Some(challenge) = second_factor::challenge(app, user, hash).await? {
        return Ok(Outcome::Challenge(challenge));
    }
    let txn = app.db.begin().await?;
    let entering = Entering {
        user,
        proof: Proof::Password(hash),
        with_second_factor: false,
    };
    let begun = begin_session_in_txn(app, caller, &txn, entering).await?;
    let signed_in = begun.ok_or(Error::ChangedMeanwhile)?;
    txn.commit().await?;
    Ok(Outcome::SignedIn(signed_in))
}

/// Hashes made before `bcrypt_cost` was changed take another time to look at; they go as their owners come.
async fn rehash(app: &App, user: Uuid, before: &str, fresh: &str) -> Result<(), Error> {
    let txn = app.db.begin().await?;
    if store::sign_in::rehash_in_txn(&txn, user, before, fresh).await? {
        store::password_history::rehash_in_txn(&txn, user, before, fresh).await?;
    }
    Ok(txn.commit().await?)
}

/// Somebody who proved who they are.
pub(super) struct Entering<'a> {
    /// As the account was found.
    pub user: &'a User,
    pub proof: Proof<'a>,
    pub with_second_factor: bool,
}

/// The last step of signing in; `None` when what was proved holds no longer. The token says what the account is at this
/// moment, not what it was when the password was looked at.
pub(super) async fn begin_session_in_txn(
    app: &App,
    caller: &Caller,
    txn: &Txn,
    entering: Entering<'_>,
) -> Result<Option<SignedIn>, Error> {
    let (now, session) = (app.clock.now(), app.clock.new_id());
    let recorded = store::sign_in::record_login_in_txn(txn, entering.user.id, entering.proof, now).await?;
    let Some(user) = recorded else {
        return Ok(None);
    };
    let refresh = SecretToken::generate();
    let life = Duration::minutes(app.config.access_token_minutes.into());
    let access_token = app
        .signer
        .access_token(&app.clock, (user.id, user.role), session, life)?;
    let agent = caller.user_agent.as_deref();
    let new = NewSession {
        id: session,
        user_id: user.id,
        ip: caller.ip.clone(),
        user_agent: agent.map(|agent| device::bounded(agent).to_owned()),
        created_at: now,
        expires_at: now + Duration::days(app.config.refresh_token_days.into()),
        with_second_factor: entering.with_second_factor,
    };
    store::session::insert_in_txn(txn, new).await?;
    store::refresh_token::insert_in_txn(txn, refresh.hash, session, now).await?;
    // They are told by the poll of the database, like those that another process ends.
    let _gave_way = sessions::end_beyond_most_in_txn(app, txn, caller, user.id).await?;
    let what = SignIn {
        session,
        is_new_device: door::remember_device_in_txn(app, caller, txn, entering.user).await?,
        device: device::words(agent),
        with_second_factor: entering.with_second_factor,
    };
    let actor = acting(caller, &user, session);
    outbox::add(
        txn,
        events::signed_in(&app.clock, &actor, (user.id, user.version), what),
    )
    .await?;
    Ok(Some(SignedIn {
        access_token,
        refresh_token: refresh.token,
        expires_in: life,
        user,
    }))
}

/// The caller is nobody until a session begins; what happens on the way was done by the one who signs in.
pub(super) fn acting(caller: &Caller, user: &User, session: Uuid) -> Caller {
    let identity = Identity::User {
        id: user.id,
        role: user.role,
        session,
    };
    Caller {
        identity,
        ..caller.clone()
    }
}
