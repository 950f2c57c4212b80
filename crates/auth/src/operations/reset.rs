//! Setting a password with the one-time code of a mail.

use std::time::Duration;

use kit::{Fault, access::Caller};
use proto::options::Role;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use super::{
    App, door,
    new_password::{self, Replacement},
};
use crate::{
    Error,
    domain::{
        NewPassword,
        code::{Code, Sealed},
        door::Refused,
    },
    store::{self, session::Which, user::Credentials},
};

/// A code that is not valid is told so after this time, whatever is wrong with it: a write to the disk takes longer than none.
const REFUSED_AFTER: Duration = Duration::from_millis(150);

/// A person with a code.
pub(crate) struct Reset {
    pub identifier: String,
    pub code: Code,
    pub new_password: String,
}

pub(crate) async fn reset(app: &App, caller: &Caller, wanted: Reset) -> Result<(), Error> {
    let begun = Instant::now();
    // By the rule that asks for the least: whose account it is, and so which rule holds, is told to those with the code only.
    parse(app, &wanted.new_password, Role::Student)?;
    let Some((found, sealed)) = accepted(app, caller, &wanted.identifier, &wanted.code).await? else {
        sleep_until(begun + REFUSED_AFTER).await;
        return Err(Error::CodeInvalid);
    };
    set(app, caller, &found, &sealed, &wanted.new_password).await
}

/// The account and its code when the one given is right.
async fn accepted(
    app: &App,
    caller: &Caller,
    identifier: &str,
    code: &Code,
) -> Result<Option<(Credentials, Sealed)>, Error> {
    let found = store::user::find_by_identifier(app.db.reader(), identifier).await?;
    let found = found.filter(|found| found.user.is_active());
    let id = found.as_ref().map_or(Uuid::nil(), |found| found.user.id);
    let now = app.clock.now();
    // Guessers without a code to guess at do not queue with those who write.
    if !store::one_time_code::is_live(app.db.reader(), id, now).await? {
        return Ok(None);
    }
    // Guesses come one after the other: the transaction holds the account, and takes the guess and the try before the code is
    // looked at.
    let txn = app.db.begin().await?;
    if !store::sign_in::count_guess_in_txn(&txn, id, now).await? {
        return Ok(None);
    }
    let Some(sealed) = store::one_time_code::take_try_in_txn(&txn, id, now).await? else {
        return Ok(None);
    };
    if sealed.fits(code, id) {
        // Rolled back: a right code costs nothing, so that it is as good as before whatever becomes of what follows.
        return Ok(found.map(|found| (found, sealed)));
    }
    door::refuse_in_txn(app, caller, &txn, Some(id), Refused::Code).await?;
    txn.commit().await?;
    Ok(None)
}

async fn set(app: &App, caller: &Caller, found: &Credentials, sealed: &Sealed, new: &str) -> Result<(), Error> {
    let user = found.user.id;
    let new = parse(app, new, found.user.role)?;
    let last = store::password_history::last(app.db.reader(), user).await?;
    let hash = app.hashing.renew(None, last, new).await?;
    let txn = app.db.begin().await?;
    // Holds the account's row, so that of two with the same code one comes first.
    let version = store::user::next_version_in_txn(&txn, user).await?;
    if !store::one_time_code::use_up_in_txn(&txn, user, sealed).await? {
        return Err(Error::CodeInvalid);
    }
    let replacement = Replacement {
        user,
        version,
        before: found.password_hash.as_deref(),
        hash,
        how: sealed.purpose.name(),
        ending: Which::All,
    };
    let ended = new_password::set_in_txn(app, &txn, caller, replacement).await?;
    txn.commit().await?;
    app.sessions_ended(&ended);
    Ok(())
}

fn parse(app: &App, password: &str, role: Role) -> Result<NewPassword, Error> {
    let parsed = NewPassword::parse(password, app.config.password_policy, role);
    parsed.map_err(|why| Fault::invalid("new_password", why).into())
}
