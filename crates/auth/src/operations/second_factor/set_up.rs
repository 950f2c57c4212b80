//! Beginning to set up an authenticator app. Nothing changes until its first code.

use kit::{Fault, access::Caller};

use super::{
    super::{App, door},
    proof, qr,
};
use crate::{
    Error,
    domain::{Email, door::Refused, refresh, totp::TotpSecret},
    store,
};

/// What an app needs, in three forms.
pub(crate) struct Enrolment {
    pub secret: String,
    pub url: String,
    pub picture: String,
}

/// Who wants to set one up.
pub(crate) struct Request {
    pub current_password: String,
    /// A code of the present factor.
    pub code: Option<String>,
}

pub(crate) async fn set_up(app: &App, caller: &Caller, request: Request) -> Result<Enrolment, Error> {
    let present = app.person(caller).await?;
    let user = &present.user;
    let found = store::user::find_by_identifier(app.db.reader(), user.email.as_str()).await?;
    let hash = found
        .filter(|found| found.user.id == user.id)
        .and_then(|found| found.password_hash);
    if !app.hashing.verify(request.current_password, hash).await? {
        door::refuse(app, caller, Some(user.id), Refused::Password).await?;
        return Err(Error::WrongPassword);
    }
    let mut txn = app.db.begin().await?;
    let factor = store::second_factor::lock_in_txn(&txn, user.id).await?;
    if factor.in_use.is_some() {
        txn = proof::require(app, caller, txn, &factor, &request.code.unwrap_or_default()).await?;
    }
    let secret = TotpSecret::new(rand::random());
    store::second_factor::save_new_secret_in_txn(&txn, user.id, &secret).await?;
    txn.commit().await?;
    enrolment(&secret, &user.email)
}

/// The same in the middle of signing in, for somebody who must have a factor and has none.
pub(crate) async fn set_up_at_login(app: &App, token: &str) -> Result<Enrolment, Error> {
    let txn = app.db.begin().await?;
    let user_id = store::login_challenge::take_set_up_in_txn(&txn, &refresh::hash(token), app.clock.now())
        .await?
        .ok_or(Error::ChallengeRefused)?;
    let factor = store::second_factor::lock_in_txn(&txn, user_id).await?;
    if factor.in_use.is_some() {
        return Err(Error::ChallengeRefused);
    }
    let secret = TotpSecret::new(rand::random());
    store::second_factor::save_new_secret_in_txn(&txn, user_id, &secret).await?;
    let user = store::user::by_id(&*txn, user_id)
        .await?
        .ok_or(Error::ChallengeRefused)?;
    txn.commit().await?;
    enrolment(&secret, &user.email)
}

fn enrolment(secret: &TotpSecret, account: &Email) -> Result<Enrolment, Error> {
    let url = secret.otpauth_url(account);
    let picture = qr::data_url(&url).map_err(Fault::internal)?;
    Ok(Enrolment {
        secret: secret.base32(),
        url,
        picture,
    })
}
