//! The service as a whole: what it is made of, what it offers, what it does by itself.

use std::sync::Arc;

use kit::{
    events::Consumer,
    service::{Deps, Rebuilt, Rpcs, Service},
};
use proto::grievance::{
    comments_server::CommentsServer, figures_server::FiguresServer, grievances_server::GrievancesServer,
    images_server::ImagesServer,
};
use tokio_util::sync::CancellationToken;

use crate::{
    Config, Error, Migrator, SeedGrievance, heard, jobs,
    operations::{App, copies::rebuild, seed},
    rpc::{CommentsRpc, FiguresRpc, GrievancesRpc, ImagesRpc},
};

/// The grievance service.
pub struct Grievances(pub(crate) Arc<App>);

#[async_trait::async_trait]
impl Service for Grievances {
    const NAME: &'static str = "grievance";
    const READS: &'static [&'static str] = &[rebuild::AUTH, rebuild::STUDENTS];
    type Config = Config;
    type Migrator = Migrator;

    fn check(config: &Config) -> anyhow::Result<()> {
        config.validate()
    }

    async fn create(deps: Deps, config: Config) -> anyhow::Result<Self> {
        Ok(Self(Arc::new(App::new(deps, config)?)))
    }

    fn register(&self, rpcs: &mut Rpcs) {
        rpcs.add(GrievancesServer::new(GrievancesRpc(self.0.clone())));
        rpcs.add(ImagesServer::new(ImagesRpc(self.0.clone())));
        rpcs.add(CommentsServer::new(CommentsRpc(self.0.clone())));
        rpcs.add(FiguresServer::new(FiguresRpc(self.0.clone())));
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
        let jobs = Box::pin(jobs::run(&self.0, &stop));
        tokio::join!(jobs, self.0.group.run(&self.0, &stop));
        Ok(())
    }
}

impl Grievances {
    /// The first grievances of a demo; nothing happens where there are some already.
    pub async fn seed(&self, grievances: Vec<SeedGrievance>) -> Result<(), Error> {
        seed::all_or_nothing(&self.0, grievances).await
    }
}
