//! Whether a service takes calls: as long as its database answers.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tonic_health::{ServingStatus, server::HealthReporter};

use crate::Db;

/// How often the database is asked.
const ASK: Duration = Duration::from_secs(1);

/// The rpc services that stand on one database.
#[derive(Clone)]
pub(super) struct Watched {
    pub(super) db: Db,
    pub(super) names: Vec<&'static str>,
}

/// Keeps the health of a server true until told to stop; from then on it takes no new calls. The name "" stands for the
/// whole server: well when all are.
pub(super) async fn watch(all: Vec<Watched>, reporter: HealthReporter, stop: CancellationToken) -> anyhow::Result<()> {
    let mut ticks = tokio::time::interval(ASK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = stop.cancelled() => {
                report(&reporter, "", false).await;
                return Ok(());
            }
        }
        let mut all_well = true;
        for watched in &all {
            let well = watched.db.ping().await.is_ok();
            all_well &= well;
            for name in &watched.names {
                report(&reporter, name, well).await;
            }
        }
        report(&reporter, "", all_well).await;
    }
}

async fn report(reporter: &HealthReporter, name: &str, well: bool) {
    let status = if well {
        ServingStatus::Serving
    } else {
        ServingStatus::NotServing
    };
    reporter.set_service_status(name, status).await;
}
