//! Whether a code is right. A guess is taken and looked at while the user's second factor is locked, so that many at once
//! are one after the other: none is used twice, and nobody guesses more often than allowed.

use kit::{access::Caller, db::Txn, events::outbox};
use uuid::Uuid;

use super::super::{App, door};
use crate::{
    Error,
    domain::{
        door::Refused,
        recovery_code::{A_SET, RecoveryCode},
        second_factor::{InUse, SecondFactor, Typed},
        totp::TotpCode,
    },
    events::{self, second_factor::What},
    store,
};

/// Goes on with the transaction of whoever gave a code of the present factor. A wrong one is committed as a guess.
pub(super) async fn require(
    app: &App,
    caller: &Caller,
    txn: Txn,
    factor: &SecondFactor,
    typed: &str,
) -> Result<Txn, Error> {
    if give_in_txn(app, caller, &txn, factor, typed).await? {
        return Ok(txn);
    }
    refuse_in_txn(app, caller, &txn, factor).await?;
    txn.commit().await?;
    Err(Error::WrongCode)
}

/// Records a wrong code, as long as there were guesses left: nobody fills the trail by trying on. `factor` is as it was
/// before the guess.
pub(super) async fn refuse_in_txn(app: &App, caller: &Caller, txn: &Txn, factor: &SecondFactor) -> Result<(), Error> {
    if !may_guess(app, factor) {
        return Ok(());
    }
    door::refuse_in_txn(app, caller, txn, Some(factor.user_id), Refused::SecondFactor).await
}

/// Uses up a code of the present factor; `false` when it is wrong. `factor` is locked.
pub(super) async fn give_in_txn(
    app: &App,
    caller: &Caller,
    txn: &Txn,
    factor: &SecondFactor,
    typed: &str,
) -> Result<bool, Error> {
    let Some(in_use) = factor.in_use.as_ref().filter(|_| may_guess(app, factor)) else {
        return Ok(false);
    };
    let right = match Typed::parse(typed) {
        Some(Typed::App(code)) => use_code_in_txn(app, txn, (factor.user_id, in_use), code).await?,
        Some(Typed::Recovery(code)) => use_recovery_code_in_txn(app, caller, txn, factor.user_id, &code).await?,
        None => false,
    };
    if !right {
        note_wrong_in_txn(app, txn, factor).await?;
    }
    Ok(right)
}

/// Takes the new secret into use by the first code of its app; the recovery codes, or `None` when the code is wrong.
/// `factor` is locked.
pub(super) async fn switch_on_in_txn(
    app: &App,
    caller: &Caller,
    txn: &Txn,
    factor: &SecondFactor,
    typed: &str,
) -> Result<Option<Vec<String>>, Error> {
    if !may_guess(app, factor) {
        return Ok(None);
    }
    let confirmed = TotpCode::parse(typed).and_then(|code| factor.confirm(code, app.clock.now()));
    let Some(confirmed) = confirmed else {
        note_wrong_in_txn(app, txn, factor).await?;
        return Ok(None);
    };
    store::second_factor::save_in_txn(txn, &confirmed).await?;
    let codes = new_codes_in_txn(txn, factor.user_id).await?;
    tell_in_txn(app, caller, txn, factor.user_id, What::Enabled).await?;
    Ok(Some(codes))
}

/// Makes recovery codes, of which only hashes are kept, in place of those that were.
pub(super) async fn new_codes_in_txn(txn: &Txn, user: Uuid) -> Result<Vec<String>, Error> {
    let codes: Vec<RecoveryCode> = (0..A_SET).map(|_| RecoveryCode::new(rand::random())).collect();
    let hashes = codes.iter().map(RecoveryCode::hash).collect();
    store::recovery_code::replace_in_txn(txn, user, hashes).await?;
    Ok(codes.iter().map(RecoveryCode::shown).collect())
}

/// Writes the event that a second factor changed.
pub(super) async fn tell_in_txn(app: &App, caller: &Caller, txn: &Txn, user: Uuid, what: What) -> Result<(), Error> {
    let version = store::user::next_version_in_txn(txn, user).await?;
    let event = events::second_factor::changed(&app.clock, caller, (user, version), what);
    Ok(outbox::add(txn, event).await?)
}

fn may_guess(app: &App, factor: &SecondFactor) -> bool {
    factor.wrong.leave_a_guess(app.clock.now())
}

async fn use_code_in_txn(app: &App, txn: &Txn, (user, in_use): (Uuid, &InUse), code: TotpCode) -> Result<bool, Error> {
    match in_use.secret.step_of(code, app.clock.now(), in_use.last_step) {
        Some(step) => Ok(store::second_factor::use_step_in_txn(txn, user, step).await?),
        None => Ok(false),
    }
}

async fn use_recovery_code_in_txn(
    app: &App,
    caller: &Caller,
    txn: &Txn,
    user: Uuid,
    code: &RecoveryCode,
) -> Result<bool, Error> {
    if !store::recovery_code::use_in_txn(txn, user, code.hash()).await? {
        return Ok(false);
    }
    let left = store::recovery_code::count(&**txn, user).await?;
    let version = store::user::next_version_in_txn(txn, user).await?;
    let event = events::second_factor::recovery_code_used(&app.clock, caller, (user, version), left);
    outbox::add(txn, event).await?;
    Ok(true)
}

async fn note_wrong_in_txn(app: &App, txn: &Txn, factor: &SecondFactor) -> Result<(), Error> {
    let wrong = factor.wrong.and_one(app.clock.now());
    Ok(store::second_factor::save_wrong_in_txn(txn, factor.user_id, &wrong).await?)
}
