//! What this service does by the clock.

use std::time::Duration;

use kit::{idempotency, ticks::Ticks};
use tokio_util::sync::CancellationToken;

use crate::operations::{
    App,
    documents::reconcile,
    privacy::{erase, export},
    reseal, settle,
};

const HOURLY: Duration = Duration::from_hours(1);

/// Everything that is done by the clock, until told to stop.
pub(crate) async fn run(app: &App, stop: &CancellationToken) {
    tokio::join!(
        give_back(app, stop),
        keep_house(app, stop),
        reconcile::regularly(app, stop)
    );
}

/// What was reserved in auth for records that did not come.
async fn give_back(app: &App, stop: &CancellationToken) {
    let every = Duration::from_secs(app.config.registration_seconds.into()) / 4;
    let mut ticks = Ticks::every(every, stop);
    while ticks.next().await {
        if let Err(error) = settle::overdue(app, stop).await {
            tracing::warn!(%error, "what was reserved in auth and not used could not be given back, trying again later");
        }
    }
}

async fn keep_house(app: &App, stop: &CancellationToken) {
    let mut ticks = Ticks::every(HOURLY, stop);
    while ticks.next().await {
        match reseal::everything(app, stop).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "records sealed with the present key"),
            Err(error) => tracing::warn!(%error, "records could not be sealed anew, trying again later"),
        }
        if let Err(error) = erase::forget_events(app, stop).await {
            tracing::warn!(%error, "what was told of the erased could not be removed, trying again later");
        }
        if let Err(error) = export::sweep(app).await {
            tracing::warn!(%error, "parts of old exports could not be deleted, trying again later");
        }
        if let Err(error) = idempotency::purge(&app.db, &app.clock).await {
            tracing::warn!(%error, "old idempotency keys could not be removed, trying again later");
        }
    }
}
