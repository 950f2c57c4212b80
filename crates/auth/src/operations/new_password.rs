//! Setting a password: what a change, a reset and an invitation have in common.

use kit::{access::Caller, db::Txn, events::outbox};
use proto::auth::SessionEnd;
use uuid::Uuid;

use super::{
    App,
    sessions::{self, Ended},
};
use crate::{
    Error, events,
    store::{self, password_history::Remembered, session::Which},
};

/// A new password in place of another.
pub(super) struct Replacement<'a> {
    pub user: Uuid,
    /// The account's version that the event tells of.
    pub version: i64,
    /// The hash that was there when all this was decided.
    pub before: Option<&'a str>,
    pub hash: String,
    /// `changed`, `reset` or `invitation`.
    pub how: &'a str,
    /// The sessions that end with it.
    pub ending: Which,
}

/// Puts the password in place, with its event, and ends sessions; refused when another one was set meanwhile.
pub(super) async fn set_in_txn(app: &App, txn: &Txn, caller: &Caller, new: Replacement<'_>) -> Result<Ended, Error> {
    let now = app.clock.now();
    if !store::user::replace_password_in_txn(txn, new.user, new.before, &new.hash, now).await? {
        return Err(Error::ChangedMeanwhile);
    }
    let changed = events::password_changed(&app.clock, caller, (new.user, new.version), new.how);
    outbox::add(txn, changed).await?;
    let remembered = Remembered {
        id: app.clock.new_id(),
        user_id: new.user,
        hash: new.hash,
        set_at: now,
    };
    store::password_history::add_in_txn(txn, remembered).await?;
    sessions::end_in_txn(app, txn, caller, (new.user, new.ending), SessionEnd::Password).await
}
