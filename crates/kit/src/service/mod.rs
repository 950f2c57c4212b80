//! A service's life: what it is given, what it offers, how it starts and how it stops.

mod health;
mod host;
mod lifecycle;
mod server;
mod unhurried;

use std::sync::Arc;

use sea_orm_migration::MigratorTrait;
use serde::{Serialize, de::DeserializeOwned};
use tokio_util::sync::CancellationToken;

pub(crate) use host::private_folder;
pub use host::{Host, SERVED, main, open_database, runtime, sections};
pub use lifecycle::{Lifecycle, Stage, told_to_stop};
pub use server::{Rpcs, bind};

use crate::{
    Clock, Db, Keyring,
    access::{ServiceTokens, TokenSecret},
    cache::Cache,
    events::{Bus, Consumer},
    files::Files,
    mail::Mail,
    push::Push,
    upstream::Upstreams,
};

/// What a service may use of the world. Cheap to clone.
#[derive(Clone)]
pub struct Deps {
    pub db: Db,
    pub cache: Arc<dyn Cache>,
    pub bus: Arc<dyn Bus>,
    pub files: Arc<dyn Files>,
    pub mail: Arc<dyn Mail>,
    pub push: Arc<dyn Push>,
    pub clock: Clock,
    pub upstreams: Upstreams,
    pub tokens: ServiceTokens,
    /// What access tokens are signed with, where HS256 is asked for.
    pub token_secret: Option<TokenSecret>,
    /// Seals what must not be read in the database, and signs what comes back from outside.
    pub keyring: Keyring,
    pub timezone: chrono_tz::Tz,
    /// Where links begin.
    pub public_url: url::Url,
    /// Cancelled when the services are told to stop: long streams end then, so that nobody waits for them.
    pub stopping: CancellationToken,
}

/// What came of reading anew what a service keeps of others.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Rebuilt {
    /// How many records there are.
    pub records: u64,
    /// What somebody should look at, a line each.
    pub notes: Vec<String>,
}

/// One of the product's services.
#[async_trait::async_trait]
pub trait Service: Sized + Send + Sync + 'static {
    /// Its name: of its crate, its database, its section of the configuration, its package in the contract.
    const NAME: &'static str;
    /// The services whose records it keeps a copy of, or is made to agree with: see [`Service::rebuild`].
    const READS: &'static [&'static str] = &[];
    type Config: DeserializeOwned + Serialize + Default + Send;
    /// The schema of its database, the kit's own tables included.
    type Migrator: MigratorTrait;

    /// Says what makes no sense in a configuration.
    fn check(config: &Self::Config) -> anyhow::Result<()>;

    /// Makes the service from a configuration that was checked; nothing runs yet.
    async fn create(deps: Deps, config: Self::Config) -> anyhow::Result<Self>;

    /// Adds its rpcs.
    fn register(&self, rpcs: &mut Rpcs);

    /// What it does on events of others.
    fn consumers(&self) -> Vec<Consumer> {
        Vec::new()
    }

    /// Reads anew what it keeps of other services, while everything else goes on; `None` when it keeps nothing of others.
    async fn rebuild(&self) -> anyhow::Result<Option<Rebuilt>> {
        Ok(None)
    }

    /// What it does by the clock, until told to stop. Ending early is a failure of the process.
    async fn run(&self, stop: CancellationToken) -> anyhow::Result<()> {
        stop.cancelled().await;
        Ok(())
    }
}
