//! One file a verb: load → decide by the domain → store with the event → commit.

pub(crate) mod accounts;
pub(crate) mod api_keys;
pub(crate) mod change;
pub(crate) mod change_password;
pub(crate) mod create;
mod door;
pub(crate) mod forgot;
pub(crate) mod install;
pub(crate) mod invite;
pub(crate) mod keys;
pub(crate) mod letters;
pub(crate) mod list;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod me;
mod new_password;
pub(crate) mod refresh;
pub(crate) mod reset;
pub(crate) mod second_factor;
pub(crate) mod seed;
pub(crate) mod sessions;
pub(crate) mod tidy;
pub(crate) mod watch;

use std::{sync::Arc, time::Duration};

use kit::{
    Clock, Db, Fault,
    access::{Caller, Identity, ServiceTokens},
    files::Files,
    service::Deps,
    upstream::Upstreams,
};
use moka::sync::Cache;
use proto::options::Role;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::{letters::post::Post, sessions::Ended, watch::Announcements};

use crate::{
    Config, Error,
    domain::{User, user::Manager},
    hashing::Hashing,
    store::{self, session::Session},
    tokens::Signer,
};

/// How long it is believed that somebody is signed in. What another process ended takes effect here within it.
const BELIEVED: Duration = Duration::from_millis(500);
const MOST_BELIEVED: u64 = 10_000;

/// What the operations work with.
pub(crate) struct App {
    pub db: Db,
    pub clock: Clock,
    pub config: Config,
    pub hashing: Hashing,
    pub signer: Signer,
    pub post: Post,
    pub files: Arc<dyn Files>,
    pub upstreams: Upstreams,
    /// With these it calls other services.
    pub tokens: ServiceTokens,
    /// Ends what would go on for ever: streams.
    pub stopping: CancellationToken,
    announcements: Announcements,
    /// By session, or API key.
    believed: Cache<Uuid, Arc<Present>>,
}

/// Somebody who is signed in, as of now.
#[derive(Clone, Debug)]
pub(crate) struct Present {
    pub user: User,
    /// The session, or the API key, that the access token belongs to.
    pub session: Uuid,
    /// What an API key may do; none for a person.
    pub key_role: Option<Role>,
}

impl App {
    pub(crate) fn new(deps: Deps, config: Config, hashing: Hashing, signer: Signer) -> Self {
        let believed = Cache::builder()
            .max_capacity(MOST_BELIEVED)
            .time_to_live(BELIEVED)
            .build();
        Self {
            db: deps.db,
            clock: deps.clock,
            config,
            hashing,
            signer,
            post: Post::new(deps.mail),
            files: deps.files,
            upstreams: deps.upstreams,
            tokens: deps.tokens,
            stopping: deps.stopping,
            announcements: Announcements::new(),
            believed,
        }
    }

    /// Who is calling, as long as the account is active and the session, or the key, has not ended. The database is asked,
    /// whatever the token says.
    pub(crate) async fn present(&self, caller: &Caller) -> Result<Arc<Present>, Error> {
        let Identity::User { id, session, .. } = caller.identity else {
            return Err(Fault::unauthenticated("Sign in to do this").into());
        };
        if let Some(present) = self.believed.get(&session) {
            return Ok(present);
        }
        let gone = || Fault::unauthenticated("This session has ended, sign in again");
        let user = store::user::by_id(self.db.reader(), id)
            .await?
            .filter(User::is_active)
            .ok_or_else(gone)?;
        let present = match store::session::find(self.db.reader(), session).await? {
            Some(found) => self.present_by_session(user, &found),
            None => self.present_by_key(user, session).await?,
        };
        let present = Arc::new(present.ok_or_else(gone)?);
        self.believed.insert(session, present.clone());
        Ok(present)
    }

    fn present_by_session(&self, user: User, session: &Session) -> Option<Present> {
        let lasts = session.ended_at.is_none() && session.expires_at > self.clock.now();
        (lasts && session.user_id == user.id).then_some(Present {
            user,
            session: session.id,
            key_role: None,
        })
    }

    /// What is no session is the id of an API key, or nothing.
    async fn present_by_key(&self, user: User, id: Uuid) -> Result<Option<Present>, Error> {
        let key = store::api_key::by_id(self.db.reader(), id).await?;
        let acting = key.filter(|key| key.acts_for(&user, self.clock.now()));
        Ok(acting.map(|key| Present {
            user,
            session: key.id,
            key_role: Some(key.role),
        }))
    }

    /// A person who is signed in; a key is refused, because only its owner may touch passwords, sessions and second factors.
    pub(crate) async fn person(&self, caller: &Caller) -> Result<Arc<Present>, Error> {
        let present = self.present(caller).await?;
        match present.key_role {
            None => Ok(present),
            Some(_) => Err(Fault::forbidden("An API key cannot do this, sign in as a person").into()),
        }
    }

    /// Who is calling as somebody who manages accounts: with the role the account has now, or the lower one of its key.
    pub(crate) async fn manager(&self, caller: &Caller) -> Result<Manager, Error> {
        let present = self.present(caller).await?;
        Ok(Manager {
            id: present.user.id,
            role: present.key_role.unwrap_or(present.user.role),
        })
    }

    /// Sessions ended, and it is committed: they are not believed any more, here and wherever tokens are verified.
    pub(crate) fn sessions_ended(&self, ended: &Ended) {
        for session in &ended.0 {
            self.believed.invalidate(session);
        }
        self.announcements.tell(&ended.0);
    }

    /// Accounts changed: what was read of anybody before is not believed any more.
    pub(crate) fn forget_everybody(&self) {
        self.believed.invalidate_all();
    }
}
