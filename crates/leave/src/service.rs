//! The service as a whole: what it is made of, what it offers, what it does by itself.

use std::sync::Arc;

use kit::{
    events::Consumer,
    service::{Deps, Rebuilt, Rpcs, Service},
};
use proto::leave::{
    calendar_server::CalendarServer, decisions_server::DecisionsServer, documents_server::DocumentsServer,
    extensions_server::ExtensionsServer, gate_server::GateServer, guardians_server::GuardiansServer,
    requests_server::RequestsServer, roster_server::RosterServer,
};
use tokio_util::sync::CancellationToken;

use crate::{
    Config, Error, FirstLeave, Migrator, heard, jobs,
    operations::{App, copies::rebuild, seed},
    rpc::{CalendarRpc, DecisionsRpc, DocumentsRpc, ExtensionsRpc, GateRpc, GuardiansRpc, RequestsRpc, RosterRpc},
};

/// The leave service.
pub struct LeaveService(pub(crate) Arc<App>);

impl LeaveService {
    /// Fills a service that holds no leave.
    pub async fn seed(&self, leaves: Vec<FirstLeave>) -> Result<(), Error> {
        seed::seed(&self.0, leaves).await
    }
}

#[async_trait::async_trait]
impl Service for LeaveService {
    const NAME: &'static str = "leave";
    const READS: &'static [&'static str] = &[rebuild::STUDENTS];
    type Config = Config;
    type Migrator = Migrator;

    fn check(config: &Config) -> anyhow::Result<()> {
        config.validate()
    }

    async fn create(deps: Deps, config: Config) -> anyhow::Result<Self> {
        Ok(Self(Arc::new(App::new(deps, config))))
    }

    fn register(&self, rpcs: &mut Rpcs) {
        rpcs.add(RequestsServer::new(RequestsRpc(self.0.clone())));
        rpcs.add(DecisionsServer::new(DecisionsRpc(self.0.clone())));
        rpcs.add(ExtensionsServer::new(ExtensionsRpc(self.0.clone())));
        rpcs.add(GuardiansServer::new(GuardiansRpc(self.0.clone())));
        rpcs.add(GateServer::new(GateRpc(self.0.clone())));
        rpcs.add(CalendarServer::new(CalendarRpc(self.0.clone())));
        rpcs.add(DocumentsServer::new(DocumentsRpc(self.0.clone())));
        rpcs.add(RosterServer::new(RosterRpc(self.0.clone())));
    }

    fn consumers(&self) -> Vec<Consumer> {
        heard::consumers(&self.0)
    }

    async fn rebuild(&self) -> anyhow::Result<Option<Rebuilt>> {
        let records = rebuild::rebuild(&self.0).await?;
        let notes = Vec::new();
        Ok(Some(Rebuilt { records, notes }))
    }

    async fn run(&self, stop: CancellationToken) -> anyhow::Result<()> {
        Box::pin(jobs::run(&self.0, &stop)).await;
        Ok(())
    }
}
