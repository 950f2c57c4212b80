//! Creating an account.

use kit::{
    access::{Caller, role_name},
    db::Txn,
    events::outbox,
};
use proto::options::Role;

use super::{
    App,
    letters::{self, Kind, To},
};
use crate::{
    Error,
    domain::{Email, NewPassword, PersonName, RegistrationNumber, State, User, role::may_manage, user::Manager},
    events,
    store::{self, password_history::Remembered},
};

/// An account that somebody asks for.
pub(crate) struct NewUser {
    pub email: Email,
    pub name: PersonName,
    pub role: Role,
    pub registration_no: Option<RegistrationNumber>,
    pub password: Option<NewPassword>,
}

/// An account that may be created, its password hashed: the slow part, done before any transaction is open.
pub(crate) struct Prepared {
    user: User,
    password_hash: Option<String>,
}

impl Prepared {
    /// Gives the account a password by a hash that was made before.
    pub(super) fn set_hash(&mut self, hash: String) {
        self.password_hash = Some(hash);
    }
}

/// Decides whether `manager` may create the account, and hashes its password.
pub(crate) async fn prepare(app: &App, manager: Manager, new: NewUser) -> Result<Prepared, Error> {
    if !may_manage(manager.role, new.role) {
        return Err(Error::RoleAboveOwn(new.role.as_str_name()));
    }
    prepare_unchecked(app, new).await
}

/// The same for the installation itself: its first administrator, its demo.
pub(super) async fn prepare_unchecked(app: &App, new: NewUser) -> Result<Prepared, Error> {
    let password_hash = match new.password {
        Some(password) => Some(app.hashing.hash(password).await?),
        None => None,
    };
    let now = app.clock.now();
    let user = User {
        id: app.clock.new_id(),
        email: new.email,
        name: new.name,
        role: new.role,
        registration_no: new.registration_no,
        state: State::Active,
        version: 1,
        created_at: now,
        updated_at: now,
        last_login_at: None,
    };
    tracing::debug!(user = %user.id, role = role_name(user.role), "account prepared");
    Ok(Prepared { user, password_hash })
}

/// Stores the account with its event, and invites somebody who has no password; the caller commits.
pub(crate) async fn store_in_txn(app: &App, caller: &Caller, txn: &Txn, new: Prepared) -> Result<User, Error> {
    store::user::insert_in_txn(txn, &new.user, new.password_hash.clone()).await?;
    outbox::add(txn, events::created(&app.clock, caller, &new.user)).await?;
    match new.password_hash {
        Some(hash) => {
            let first = Remembered {
                id: app.clock.new_id(),
                user_id: new.user.id,
                hash,
                set_at: new.user.created_at,
            };
            store::password_history::add_in_txn(txn, first).await?;
        }
        None => letters::order_in_txn(app, txn, Kind::Invitation, To::User(new.user.id)).await?,
    }
    Ok(new.user)
}
