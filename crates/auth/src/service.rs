//! The service as a whole: what it is made of, what it offers, what it does by itself.

use std::{sync::Arc, time::Duration};

use kit::{
    idempotency,
    service::{Deps, Rpcs, Service},
};
use proto::auth::{auth_server::AuthServer, users_server::UsersServer};
use tokio_util::sync::CancellationToken;

use crate::{
    Config, Error, Migrator,
    hashing::Hashing,
    operations::{
        App,
        seed::{self, NewAccount, SeedError},
    },
    rpc::{AuthRpc, UsersRpc},
    store,
    tokens::Signer,
};

/// How often what is past its time is forgotten.
const TIDY_UP: Duration = Duration::from_hours(1);

/// The auth service.
pub struct Auth(Arc<App>);

#[async_trait::async_trait]
impl Service for Auth {
    const NAME: &'static str = "auth";
    type Config = Config;
    type Migrator = Migrator;

    fn check(config: &Config) -> anyhow::Result<()> {
        config.validate()
    }

    async fn create(deps: Deps, config: Config) -> anyhow::Result<Self> {
        let hashing = Hashing::new(&config)?;
        let signer = Signer::open(&deps.db, &deps.clock).await?;
        let auth = Self(Arc::new(App::new(deps.db, deps.clock, config, hashing, signer)));
        auth.first_admin().await?;
        Ok(auth)
    }

    fn register(&self, rpcs: &mut Rpcs) {
        rpcs.add(AuthServer::new(AuthRpc(self.0.clone())));
        rpcs.add(UsersServer::new(UsersRpc(self.0.clone())));
    }

    async fn run(&self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut ticks = tokio::time::interval(TIDY_UP);
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                _ = ticks.tick() => {}
            }
            if let Err(error) = idempotency::purge(&self.0.db, &self.0.clock).await {
                tracing::warn!(%error, "old idempotency keys could not be removed, trying again later");
            }
        }
    }
}

impl Auth {
    /// Creates all the accounts with one password, or none; see [`SeedError`] for when it is refused.
    pub async fn seed(&self, accounts: Vec<NewAccount>, password: &str) -> Result<(), SeedError> {
        seed::all_or_nothing(&self.0, accounts, password).await
    }

    /// Creates an administrator.
    pub async fn create_admin(&self, email: String, name: String, password: &str) -> Result<(), SeedError> {
        seed::admin(&self.0, email, name, password).await
    }

    /// Whether anybody can sign in at all.
    pub async fn has_users(&self) -> Result<bool, Error> {
        Ok(store::user::count(self.0.db.reader()).await? > 0)
    }

    /// The administrator that the configuration names, on an empty database.
    async fn first_admin(&self) -> anyhow::Result<()> {
        let (Some(email), Some(password)) = (&self.0.config.admin_email, &self.0.config.admin_password) else {
            return Ok(());
        };
        if self.has_users().await? {
            return Ok(());
        }
        match self
            .create_admin(email.clone(), "Administrator".to_owned(), password.expose())
            .await
        {
            // Another process of this service was quicker.
            Ok(()) | Err(SeedError::Taken(_)) => Ok(()),
            Err(error) => {
                Err(anyhow::Error::from(error).context("the first administrator (auth.admin_email) cannot be created"))
            }
        }
    }
}
