//! Going on with a session: a refresh token for a fresh pair.
//!
//! One statement spends the token, and whoever it tells the session goes on with it. Everybody else showed a token that
//! is unknown or spent, and the rule of [`crate::domain::refresh`] says which of these is a lost answer and which a copy.

use chrono::Duration;
use kit::{access::Caller, db::Txn, events::outbox};
use proto::auth::SessionEnd;
use uuid::Uuid;

use super::{
    App,
    letters::{self, EndedSession, Kind, To},
    login::SignedIn,
    sessions::{self, Ended},
};
use crate::{
    Error,
    domain::{
        User, device,
        refresh::{self, Session, Spent, Verdict},
    },
    events,
    store::{self, refresh_token::StoredToken, session::Which},
    tokens::{SecretToken, successor_salt},
};

pub(crate) async fn refresh(app: &App, caller: &Caller, token: &str) -> Result<SignedIn, Error> {
    let hash = refresh::hash(token);
    let salt = successor_salt();
    let txn = app.db.begin().await?;
    if let Some(session) = store::refresh_token::spend_in_txn(&txn, &hash, &salt, app.clock.now()).await? {
        return rotate(app, caller, txn, session, SecretToken::successor(token, &salt)).await;
    }
    // It is looked for where the statement looked: what made it miss is visible here.
    let found = store::refresh_token::find(&*txn, &hash).await?;
    let shown = found.ok_or(Error::UnknownToken)?;
    judge(app, caller, txn, token, shown).await
}

/// The token was good: the session goes on with its successor, or has ended and takes the transaction with it.
async fn rotate(
    app: &App,
    caller: &Caller,
    txn: Txn,
    session: Uuid,
    successor: SecretToken,
) -> Result<SignedIn, Error> {
    let from = (caller.ip.as_deref(), caller.user_agent.as_deref().map(device::bounded));
    // Ending a session writes to the same row: one of the two comes first, and no token outlives the end.
    let renewed = store::session::renew_in_txn(&txn, session, sessions::alive(app), from).await?;
    let renewed = renewed.ok_or(Error::SessionEnded)?;
    let user = active(&txn, renewed.user_id).await?;
    store::refresh_token::insert_in_txn(&txn, successor.hash, session, app.clock.now()).await?;
    let signed_in = sign(app, user, &renewed, successor.token)?;
    txn.commit().await?;
    Ok(signed_in)
}

/// The token was spent before.
async fn judge(app: &App, caller: &Caller, txn: Txn, token: &str, shown: StoredToken) -> Result<SignedIn, Error> {
    let session = shown.session_id;
    let (at, salt) = shown.spent.ok_or(Error::UnknownToken)?;
    let successor = SecretToken::successor(token, &salt);
    let next = store::refresh_token::find(&*txn, &successor.hash).await?;
    let is_alive = store::session::is_alive(&*txn, session, sessions::alive(app)).await?;
    // Read after that question: when the session has ended, it is here why.
    let kept = store::session::find(&*txn, session).await?.ok_or(Error::SessionEnded)?;
    let spent = Spent {
        at,
        successor_was_used: next.is_none_or(|next| next.spent.is_some()),
        session: if is_alive {
            Session::Alive
        } else if kept.end_reason.as_deref() == Some(&*sessions::reason(SessionEnd::TokenReused)) {
            Session::EndedByReuse
        } else {
            Session::Over
        },
    };
    match spent.judge(app.clock.now()) {
        Verdict::Again => {
            let user = active(&txn, kept.user_id).await?;
            sign(app, user, &kept, successor.token)
        }
        Verdict::Copied => {
            let ended = end_copied_in_txn(app, caller, &txn, &kept).await?;
            txn.commit().await?;
            app.post.wake();
            app.sessions_ended(&ended);
            Err(Error::TokenReused)
        }
        Verdict::Over => Err(Error::SessionEnded),
    }
}

/// Ends a session of which a token was copied, with the event that says so and a letter to its owner; once, however often
/// the token is shown.
async fn end_copied_in_txn(
    app: &App,
    caller: &Caller,
    txn: &Txn,
    kept: &store::session::Session,
) -> Result<Ended, Error> {
    let (user, session) = (kept.user_id, kept.id);
    let which = (user, Which::Only(session));
    let ended = sessions::end_in_txn(app, txn, caller, which, SessionEnd::TokenReused).await?;
    if !ended.0.is_empty() {
        let version = store::user::next_version_in_txn(txn, user).await?;
        let event = events::token_reused(&app.clock, caller, (user, version), session);
        outbox::add(txn, event).await?;
        let notice = Kind::TokenReused(EndedSession {
            device: device::words(kept.user_agent.as_deref()),
            ip: kept.ip.clone(),
        });
        letters::order_in_txn(app, txn, notice, To::User(user)).await?;
    }
    Ok(ended)
}

async fn active(txn: &Txn, user: Uuid) -> Result<User, Error> {
    let user = store::user::by_id(&**txn, user).await?;
    user.filter(User::is_active).ok_or(Error::SessionEnded)
}

fn sign(app: &App, user: User, session: &store::session::Session, refresh_token: String) -> Result<SignedIn, Error> {
    // No access token outlives its session: who verifies it elsewhere does not ask for the session's end.
    let life = Duration::minutes(app.config.access_token_minutes.into()).min(session.expires_at - app.clock.now());
    let access_token = app
        .signer
        .access_token(&app.clock, (user.id, user.role), session.id, life)?;
    Ok(SignedIn {
        access_token,
        refresh_token,
        expires_in: life,
        user,
    })
}
