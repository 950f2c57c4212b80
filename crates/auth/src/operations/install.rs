//! The first administrator of an installation that has nobody yet, by a link that the program prints.

use chrono::Duration;
use kit::access::Caller;
use proto::options::Role;

use super::{App, create, create::NewUser};
use crate::{
    Error,
    domain::{User, refresh},
    store,
    tokens::SecretToken,
};

/// How long the link is good; the next start prints a new one.
const LIFE: Duration = Duration::hours(24);

/// Makes the token of the set-up link, in place of any earlier one; none once there are users.
pub(crate) async fn setup_token(app: &App) -> Result<Option<String>, Error> {
    if store::user::count(app.db.reader()).await? > 0 {
        return Ok(None);
    }
    let made = SecretToken::generate();
    let txn = app.db.begin().await?;
    store::setup_token::replace_in_txn(&txn, made.hash, app.clock.now() + LIFE).await?;
    txn.commit().await?;
    Ok(Some(made.token))
}

/// Creates the first administrator for whoever has the link.
pub(crate) async fn first_admin(app: &App, caller: &Caller, token: &str, new: NewUser) -> Result<User, Error> {
    let hash = refresh::hash(token);
    // Hashing a password is work that nobody can order without the link.
    if !store::setup_token::is_good(app.db.reader(), &hash, app.clock.now()).await? {
        return Err(Error::SetupLinkInvalid);
    }
    let new = NewUser {
        role: Role::Admin,
        ..new
    };
    let prepared = create::prepare_unchecked(app, new).await?;
    let txn = app.db.begin().await?;
    let good = store::setup_token::spend_in_txn(&txn, &hash, app.clock.now()).await?;
    if !good || store::user::count(&*txn).await? > 0 {
        return Err(Error::SetupLinkInvalid);
    }
    let user = create::store_in_txn(app, caller, &txn, prepared).await?;
    txn.commit().await?;
    Ok(user)
}
