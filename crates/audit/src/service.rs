//! The service as a whole: what it is made of, what it offers, what it does by itself.

use std::{sync::Arc, time::Duration};

use kit::{
    Clock,
    events::Consumer,
    files::Files,
    service::{Deps, Rpcs, Service},
};
use proto::audit::audit_server::AuditServer;
use tokio_util::sync::CancellationToken;

use crate::{Config, Migrator, heard, operations::App, rpc::AuditRpc, store};

/// The audit service.
pub struct Audit {
    app: Arc<App>,
    clock: Clock,
    files: Arc<dyn Files>,
    config: Config,
}

#[async_trait::async_trait]
impl Service for Audit {
    const NAME: &'static str = "audit";
    type Config = Config;
    type Migrator = Migrator;

    fn check(config: &Config) -> anyhow::Result<()> {
        config.validate()
    }

    async fn create(deps: Deps, config: Config) -> anyhow::Result<Self> {
        Ok(Self {
            app: Arc::new(App { db: deps.db }),
            clock: deps.clock,
            files: deps.files,
            config,
        })
    }

    fn register(&self, rpcs: &mut Rpcs) {
        rpcs.add(AuditServer::new(AuditRpc(self.app.clone())));
    }

    fn consumers(&self) -> Vec<Consumer> {
        heard::consumers(&self.app.db, &self.files, &self.clock)
    }

    /// Writes the head of the chain to the log now and then: an anchor outside the database.
    async fn run(&self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut ticks = tokio::time::interval(Duration::from_secs(60 * u64::from(self.config.anchor_minutes)));
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                _ = ticks.tick() => {}
            }
            match store::head(self.app.db.reader()).await {
                Ok(chain) => tracing::info!(entries = chain.entries, head = %chain.head, "audit chain"),
                Err(error) => tracing::warn!(%error, "the head of the audit chain could not be read"),
            }
        }
    }
}
