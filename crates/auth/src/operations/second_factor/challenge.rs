//! Between the two steps of signing in.

use chrono::Duration;

use super::super::App;
use crate::{
    Error,
    domain::User,
    store::{self, login_challenge::NewChallenge},
    tokens::SecretToken,
};

/// How long the right password counts.
const LIFE: Duration = Duration::minutes(5);
/// So many codes are looked at; then the password is due again.
const TRIES: i32 = 5;
/// So often a new authenticator app may be asked for.
const SET_UPS: i32 = 5;

/// What the second step of signing in is asked for with.
pub(crate) struct Challenge {
    pub token: String,
    /// The role needs a second factor that the user does not have yet.
    pub must_set_up: bool,
}

/// The challenge of somebody who gave the right password, the one behind `hash`; none where no second factor is due.
pub(crate) async fn challenge(app: &App, user: &User, hash: &str) -> Result<Option<Challenge>, Error> {
    let factor = store::second_factor::find(app.db.reader(), user.id).await?;
    let must_set_up = factor.in_use.is_none();
    if must_set_up && !app.config.needs_second_factor(user.role) {
        return Ok(None);
    }
    let random = SecretToken::generate();
    let now = app.clock.now();
    let new = NewChallenge {
        hash: random.hash,
        user_id: user.id,
        tries: TRIES,
        set_ups: SET_UPS,
        created_at: now,
        expires_at: now + LIFE,
    };
    let txn = app.db.begin().await?;
    // Held, so that a password that is set anew from now on is newer than the challenge.
    if !store::sign_in::hold_password_in_txn(&txn, user.id, hash).await? {
        return Err(Error::ChangedMeanwhile);
    }
    store::login_challenge::insert_in_txn(&txn, new).await?;
    txn.commit().await?;
    Ok(Some(Challenge {
        token: random.token,
        must_set_up,
    }))
}
