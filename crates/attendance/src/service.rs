//! The service as a whole: what it is made of, what it offers, what it does by itself.

use std::sync::Arc;

use kit::{
    events::Consumer,
    service::{Deps, Rebuilt, Rpcs, Service},
};
use proto::attendance::{
    access_points_server::AccessPointsServer, devices_server::DevicesServer, live_server::LiveServer,
    marks_server::MarksServer, review_server::ReviewServer, scans_server::ScansServer, sessions_server::SessionsServer,
};
use tokio_util::sync::CancellationToken;

use crate::{
    Config, Migrator, heard, jobs,
    operations::{
        App,
        copies::{leaves, rebuild},
    },
    rpc::{AccessPointsRpc, DevicesRpc, LiveRpc, MarksRpc, ReviewRpc, ScansRpc, SessionsRpc},
};

/// The attendance service.
pub struct Attendance(pub(crate) Arc<App>);

#[async_trait::async_trait]
impl Service for Attendance {
    const NAME: &'static str = "attendance";
    const READS: &'static [&'static str] = &[rebuild::STUDENTS, leaves::LEAVES];
    type Config = Config;
    type Migrator = Migrator;

    fn check(config: &Config) -> anyhow::Result<()> {
        config.validate()
    }

    async fn create(deps: Deps, config: Config) -> anyhow::Result<Self> {
        let app = App::new(deps, config);
        app.memory.look(&app.db, &app.clock).await?;
        Ok(Self(Arc::new(app)))
    }

    fn register(&self, rpcs: &mut Rpcs) {
        rpcs.add(SessionsServer::new(SessionsRpc(self.0.clone())));
        rpcs.add(ScansServer::new(ScansRpc(self.0.clone())));
        rpcs.add(MarksServer::new(MarksRpc(self.0.clone())));
        rpcs.add(DevicesServer::new(DevicesRpc(self.0.clone())));
        rpcs.add(AccessPointsServer::new(AccessPointsRpc(self.0.clone())));
        rpcs.add(ReviewServer::new(ReviewRpc(self.0.clone())));
        rpcs.add(LiveServer::new(LiveRpc(self.0.clone())));
    }

    fn consumers(&self) -> Vec<Consumer> {
        heard::consumers(&self.0)
    }

    async fn rebuild(&self) -> anyhow::Result<Option<Rebuilt>> {
        let records = rebuild::rebuild(&self.0).await? + leaves::rebuild(&self.0).await?;
        let notes = Vec::new();
        Ok(Some(Rebuilt { records, notes }))
    }

    async fn run(&self, stop: CancellationToken) -> anyhow::Result<()> {
        let app = &*self.0;
        tokio::join!(
            jobs::run(app, &stop),
            app.memory.follow(&app.db, &app.clock, &stop),
            app.group.run(app, &stop),
        );
        Ok(())
    }
}
