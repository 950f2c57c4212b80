//! The service as a whole: what it is made of, what it offers, what it does by itself.

use std::sync::Arc;

use kit::service::{Deps, Rpcs, Service};
use proto::students::{
    documents_server::DocumentsServer, privacy_server::PrivacyServer, rooms_server::RoomsServer,
    roster_server::RosterServer, students_server::StudentsServer,
};
use tokio_util::sync::CancellationToken;

use crate::{
    Config, Error, Migrator, jobs,
    operations::{
        App,
        documents::reconcile::{self, Reconciled},
        seed::{self, Beginning, SeedError},
    },
    rpc::{DocumentsRpc, PrivacyRpc, RoomsRpc, RosterRpc, StudentsRpc},
};

/// The students service.
pub struct Students(pub(crate) Arc<App>);

#[async_trait::async_trait]
impl Service for Students {
    const NAME: &'static str = "students";
    type Config = Config;
    type Migrator = Migrator;

    fn check(config: &Config) -> anyhow::Result<()> {
        config.validate()
    }

    async fn create(deps: Deps, config: Config) -> anyhow::Result<Self> {
        Ok(Self(Arc::new(App::new(deps, config))))
    }

    fn register(&self, rpcs: &mut Rpcs) {
        rpcs.add(StudentsServer::new(StudentsRpc(self.0.clone())));
        rpcs.add(RoomsServer::new(RoomsRpc(self.0.clone())));
        rpcs.add(DocumentsServer::new(DocumentsRpc(self.0.clone())));
        rpcs.add(PrivacyServer::new(PrivacyRpc(self.0.clone())));
        rpcs.add(RosterServer::new(RosterRpc(self.0.clone())));
    }

    async fn run(&self, stop: CancellationToken) -> anyhow::Result<()> {
        jobs::run(&self.0, &stop).await;
        Ok(())
    }
}

impl Students {
    /// Stores what an installation begins with, or nothing of it. Nothing happens where there are students already.
    pub async fn seed(&self, beginning: Beginning) -> Result<(), SeedError> {
        seed::all_or_nothing(&self.0, beginning).await
    }

    /// Holds stored files and documents against each other now.
    pub async fn reconcile(&self) -> Result<Reconciled, Error> {
        reconcile::reconcile_now(&self.0).await
    }
}
