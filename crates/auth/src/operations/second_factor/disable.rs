//! Doing without a second factor again.

use kit::access::Caller;

use super::{super::App, proof};
use crate::{Error, events::second_factor::What, store};

pub(crate) async fn disable(app: &App, caller: &Caller, typed: &str) -> Result<(), Error> {
    let present = app.person(caller).await?;
    let user = &present.user;
    let txn = app.db.begin().await?;
    let factor = store::second_factor::lock_in_txn(&txn, user.id).await?;
    if factor.in_use.is_none() {
        return Err(Error::NoSecondFactor);
    }
    if app.config.needs_second_factor(user.role) {
        return Err(Error::SecondFactorRequired);
    }
    let txn = proof::require(app, caller, txn, &factor, typed).await?;
    store::second_factor::save_in_txn(&txn, &factor.disable()).await?;
    store::recovery_code::replace_in_txn(&txn, user.id, Vec::new()).await?;
    proof::tell_in_txn(app, caller, &txn, user.id, What::Disabled).await?;
    Ok(txn.commit().await?)
}
