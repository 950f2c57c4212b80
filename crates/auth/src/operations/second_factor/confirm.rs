//! Taking a new authenticator app into use.

use kit::access::Caller;

use super::{super::App, proof};
use crate::{Error, store};

/// The recovery codes.
pub(crate) async fn confirm(app: &App, caller: &Caller, typed: &str) -> Result<Vec<String>, Error> {
    let user = app.person(caller).await?.user.id;
    let txn = app.db.begin().await?;
    let factor = store::second_factor::lock_in_txn(&txn, user).await?;
    if factor.new_secret.is_none() {
        return Err(Error::NoSecondFactor);
    }
    let codes = proof::switch_on_in_txn(app, caller, &txn, &factor, typed).await?;
    if codes.is_none() {
        proof::refuse_in_txn(app, caller, &txn, &factor).await?;
    }
    // A wrong code is committed, too: it is a guess.
    txn.commit().await?;
    codes.ok_or(Error::WrongCode)
}
