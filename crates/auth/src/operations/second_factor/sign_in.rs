//! The second step of signing in. Whatever is wrong gets one answer.

use kit::{access::Caller, db::Txn};
use uuid::Uuid;

use super::{
    super::{
        App,
        login::{Entering, SignedIn, acting, begin_session_in_txn},
    },
    proof,
};
use crate::{
    Error,
    domain::{refresh, second_factor::SecondFactor},
    store::{self, sign_in::Proof},
};

/// Somebody who gave a right code.
pub(crate) struct SignedInTwice {
    pub signed_in: SignedIn,
    /// Where this sign-in switched the second factor on.
    pub recovery_codes: Vec<String>,
}

pub(crate) async fn sign_in(app: &App, caller: &Caller, token: &str, typed: &str) -> Result<SignedInTwice, Error> {
    let hash = refresh::hash(token);
    let txn = app.db.begin().await?;
    // The try is taken before the code is looked at, and the row is ours until the end: one challenge is one session.
    let challenged = store::login_challenge::take_try_in_txn(&txn, &hash, app.clock.now())
        .await?
        .ok_or(Error::ChallengeRefused)?;
    let user = store::user::by_id(&*txn, challenged.user_id)
        .await?
        .ok_or(Error::ChallengeRefused)?;
    let factor = store::second_factor::lock_in_txn(&txn, user.id).await?;
    let met = meet_in_txn(app, &acting(caller, &user, Uuid::nil()), &txn, &factor, typed).await?;
    let Some(recovery_codes) = met else {
        proof::refuse_in_txn(app, caller, &txn, &factor).await?;
        txn.commit().await?;
        return Err(Error::ChallengeRefused);
    };
    store::login_challenge::delete_in_txn(&txn, &hash).await?;
    let entering = Entering {
        user: &user,
        proof: Proof::PasswordAt(challenged.created_at),
        with_second_factor: true,
    };
    // A code counts as used, and a factor as switched on, with the session only.
    let signed_in = begin_session_in_txn(app, caller, &txn, entering)
        .await?
        .ok_or(Error::ChallengeRefused)?;
    txn.commit().await?;
    Ok(SignedInTwice {
        signed_in,
        recovery_codes,
    })
}

/// By a code of the factor in use, or by the first code of one that must be set up; `None` when the code is wrong.
async fn meet_in_txn(
    app: &App,
    caller: &Caller,
    txn: &Txn,
    factor: &SecondFactor,
    typed: &str,
) -> Result<Option<Vec<String>>, Error> {
    if factor.in_use.is_none() {
        return proof::switch_on_in_txn(app, caller, txn, factor, typed).await;
    }
    let right = proof::give_in_txn(app, caller, txn, factor, typed).await?;
    Ok(right.then(Vec::new))
}
