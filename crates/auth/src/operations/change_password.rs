//! Changing one's own password.

use kit::{Fault, access::Caller};

use super::{
    App, door,
    new_password::{self, Replacement},
};
use crate::{
    Error,
    domain::{NewPassword, door::Refused},
    hashing::Present,
    store::{self, session::Which},
};

/// The present password and the next one, as they were typed in.
pub(crate) struct Wish {
    pub current_password: String,
    pub new_password: String,
}

pub(crate) async fn change_password(app: &App, caller: &Caller, wish: Wish) -> Result<(), Error> {
    let present = app.person(caller).await?;
    let user = present.user.id;
    let new = NewPassword::parse(&wish.new_password, app.config.password_policy, present.user.role)
        .map_err(|why| Fault::invalid("new_password", why))?;
    let found = store::user::credentials(app.db.reader(), user)
        .await?
        .ok_or(Error::UnknownUser)?;
    let before = found.password_hash;
    let last = store::password_history::last(app.db.reader(), user).await?;
    let present_one = Present {
        typed: wish.current_password,
        hash: before.clone(),
    };
    let hash = match app.hashing.renew(Some(present_one), last, new).await {
        Err(Error::WrongPassword) => {
            door::refuse(app, caller, Some(user), Refused::Password).await?;
            return Err(Error::WrongPassword);
        }
        outcome => outcome?,
    };
    let txn = app.db.begin().await?;
    let version = store::user::next_version_in_txn(&txn, user).await?;
    let replacement = Replacement {
        user,
        version,
        before: before.as_deref(),
        hash,
        how: "changed",
        ending: Which::AllBut(present.session),
    };
    let ended = new_password::set_in_txn(app, &txn, caller, replacement).await?;
    txn.commit().await?;
    app.sessions_ended(&ended);
    Ok(())
}
