//! One file a verb: load → decide by the domain → store with the event → commit.

pub(crate) mod change;
pub(crate) mod create;
pub(crate) mod list;
pub(crate) mod login;
pub(crate) mod me;
pub(crate) mod seed;

use std::time::Duration;

use kit::{Clock, Db, Fault, access::Caller};
use moka::sync::Cache;
use uuid::Uuid;

use crate::{
    Config, Error,
    domain::{User, user::Manager},
    hashing::Hashing,
    store,
    tokens::Signer,
};

/// How long a read account is believed. Deactivation takes effect within it, also when another process made it.
const BELIEVED: Duration = Duration::from_secs(1);
const MOST_BELIEVED: u64 = 10_000;

/// What the operations work with.
pub(crate) struct App {
    pub db: Db,
    pub clock: Clock,
    pub config: Config,
    pub hashing: Hashing,
    pub signer: Signer,
    believed: Cache<Uuid, User>,
}

impl App {
    pub(crate) fn new(db: Db, clock: Clock, config: Config, hashing: Hashing, signer: Signer) -> Self {
        let believed = Cache::builder()
            .max_capacity(MOST_BELIEVED)
            .time_to_live(BELIEVED)
            .build();
        Self {
            db,
            clock,
            config,
            hashing,
            signer,
            believed,
        }
    }

    /// The signed-in user, as long as the account is active.
    pub(crate) async fn signed_in(&self, caller: &Caller) -> Result<User, Error> {
        let (id, _) = caller.user()?;
        if let Some(user) = self.believed.get(&id) {
            return Ok(user);
        }
        let user = store::user::find(self.db.reader(), caller, id)
            .await?
            .filter(User::is_active);
        let user = user.ok_or_else(|| Fault::unauthenticated("This account can no longer sign in"))?;
        self.believed.insert(id, user.clone());
        Ok(user)
    }

    /// The signed-in user as somebody who manages accounts: with the role the account has now.
    pub(crate) async fn manager(&self, caller: &Caller) -> Result<Manager, Error> {
        let user = self.signed_in(caller).await?;
        Ok(Manager {
            id: user.id,
            role: user.role,
        })
    }

    /// An account changed: what was read before is not believed any more.
    pub(crate) fn forget(&self, id: Uuid) {
        self.believed.invalidate(&id);
    }
}
