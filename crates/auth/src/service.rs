//! The service as a whole: what it is made of, what it offers, what it does by itself.

use std::sync::Arc;

use kit::{
    events::Consumer,
    service::{Deps, Rebuilt, Rpcs, Service},
};
use proto::auth::{
    accounts_server::AccountsServer, api_keys_server::ApiKeysServer, auth_server::AuthServer,
    passwords_server::PasswordsServer, people_server::PeopleServer, second_factor_server::SecondFactorServer,
    sessions_server::SessionsServer, tokens_server::TokensServer, users_server::UsersServer,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    Config, Error, Migrator,
    hashing::Hashing,
    heard,
    operations::{
        App,
        accounts::rebuild,
        install,
        keys::{self, Rotation},
        letters::post,
        seed::{self, NewAccount, SeedError},
        tidy, watch,
    },
    rpc::{
        AccountsRpc, ApiKeysRpc, AuthRpc, PasswordsRpc, PeopleRpc, SecondFactorRpc, SessionsRpc, TokensRpc, UsersRpc,
    },
    store,
    tokens::Signer,
};

/// The auth service.
pub struct Auth(Arc<App>);

#[async_trait::async_trait]
impl Service for Auth {
    const NAME: &'static str = "auth";
    const READS: &'static [&'static str] = &[rebuild::STUDENTS];
    type Config = Config;
    type Migrator = Migrator;

    fn check(config: &Config) -> anyhow::Result<()> {
        config.validate()
    }

    async fn create(deps: Deps, config: Config) -> anyhow::Result<Self> {
        let hashing = Hashing::new(&config)?;
        let signer = Signer::open(&deps.db, &deps.clock, deps.token_secret.clone()).await?;
        let auth = Self(Arc::new(App::new(deps, config, hashing, signer)));
        auth.first_admin().await?;
        Ok(auth)
    }

    fn register(&self, rpcs: &mut Rpcs) {
        rpcs.add(AuthServer::new(AuthRpc(self.0.clone())));
        rpcs.add(PasswordsServer::new(PasswordsRpc(self.0.clone())));
        rpcs.add(SessionsServer::new(SessionsRpc(self.0.clone())));
        rpcs.add(TokensServer::new(TokensRpc(self.0.clone())));
        rpcs.add(SecondFactorServer::new(SecondFactorRpc(self.0.clone())));
        rpcs.add(ApiKeysServer::new(ApiKeysRpc(self.0.clone())));
        rpcs.add(UsersServer::new(UsersRpc(self.0.clone())));
        rpcs.add(AccountsServer::new(AccountsRpc(self.0.clone())));
        rpcs.add(PeopleServer::new(PeopleRpc(self.0.clone())));
    }

    fn consumers(&self) -> Vec<Consumer> {
        heard::consumers(&self.0)
    }

    async fn rebuild(&self) -> anyhow::Result<Option<Rebuilt>> {
        rebuild::rebuild(&self.0).await.map(Some)
    }

    async fn run(&self, stop: CancellationToken) -> anyhow::Result<()> {
        let app = &*self.0;
        tokio::join!(
            tidy::hourly(app, &stop),
            keys::follow(app, &stop),
            watch::follow(app, &stop),
            post::run(app, &stop),
        );
        Ok(())
    }
}

impl Auth {
    /// Creates all the accounts with one password, or none; see [`SeedError`] for when it is refused. The id of each by its
    /// address, also of those that are there already.
    pub async fn seed(&self, accounts: Vec<NewAccount>, password: &str) -> Result<Vec<(String, Uuid)>, SeedError> {
        seed::all_or_nothing(&self.0, accounts, password).await
    }

    /// Creates an administrator.
    pub async fn create_admin(&self, email: String, name: String, password: &str) -> Result<(), SeedError> {
        seed::admin(&self.0, email, name, password).await
    }

    /// The token of the link with which somebody becomes the first administrator; none once there are users.
    pub async fn setup_token(&self) -> Result<Option<String>, Error> {
        install::setup_token(&self.0).await
    }

    /// Makes the key that access tokens are signed with next; nobody is signed out by it.
    pub async fn rotate_keys(&self) -> Result<Rotation, Error> {
        keys::rotate(&self.0).await
    }

    /// The administrator that the configuration names, on an empty database.
    async fn first_admin(&self) -> anyhow::Result<()> {
        let (Some(email), Some(password)) = (&self.0.config.admin_email, &self.0.config.admin_password) else {
            return Ok(());
        };
        if store::user::count(self.0.db.reader()).await? > 0 {
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
