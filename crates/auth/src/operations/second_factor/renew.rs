//! Making new recovery codes.

use kit::access::Caller;

use super::{super::App, proof};
use crate::{Error, events::second_factor::What, store};

pub(crate) async fn renew(app: &App, caller: &Caller, typed: &str) -> Result<Vec<String>, Error> {
    let user = app.person(caller).await?.user.id;
    let txn = app.db.begin().await?;
    let factor = store::second_factor::lock_in_txn(&txn, user).await?;
    if factor.in_use.is_none() {
        return Err(Error::NoSecondFactor);
    }
    let txn = proof::require(app, caller, txn, &factor, typed).await?;
    let codes = proof::new_codes_in_txn(&txn, user).await?;
    proof::tell_in_txn(app, caller, &txn, user, What::CodesRenewed).await?;
    txn.commit().await?;
    Ok(codes)
}
