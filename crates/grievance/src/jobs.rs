//! What this service does by the clock.

use std::time::Duration;

use kit::{
    files::kept::{self, Tidied},
    idempotency,
    ticks::Ticks,
};
use tokio_util::sync::CancellationToken;

use crate::operations::{App, close, copies::rebuild, late};

const HOURLY: Duration = Duration::from_hours(1);

/// Everything that is done by the clock, until told to stop.
pub(crate) async fn run(app: &App, stop: &CancellationToken) {
    tokio::join!(
        stop.cancelled(),
        rebuild::fill(app, stop),
        close_regularly(app, stop),
        tell_regularly(app, stop),
        keep_house(app, stop),
    );
}

/// Closes what can be reopened no longer.
async fn close_regularly(app: &App, stop: &CancellationToken) {
    let mut ticks = Ticks::every(Duration::from_secs(app.config.look_every_seconds.into()), stop);
    while ticks.next().await {
        if let Err(error) = close::due(app, stop).await {
            tracing::warn!(%error, "resolved grievances could not be closed, trying again");
        }
    }
}

/// Tells what is past due, and for how long.
async fn tell_regularly(app: &App, stop: &CancellationToken) {
    let mut ticks = Ticks::every(Duration::from_secs(app.config.look_every_seconds.into()), stop);
    while ticks.next().await {
        if let Err(error) = late::announce(app, stop).await {
            tracing::warn!(%error, "overdue grievances could not be looked for, trying again");
        }
        if let Err(error) = late::escalate(app, stop).await {
            tracing::warn!(%error, "grievances to escalate could not be looked for, trying again");
        }
    }
}

/// Removes what nobody needs any more.
async fn keep_house(app: &App, stop: &CancellationToken) {
    let mut ticks = Ticks::every(HOURLY, stop);
    while ticks.next().await {
        match kept::tidy(&app.db, &*app.files, &app.clock).await {
            Ok(done) if done != Tidied::default() => tracing::info!(?done, "files of pictures were tidied up"),
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "files of pictures could not be tidied up, trying again later"),
        }
        if let Err(error) = idempotency::purge(&app.db, &app.clock).await {
            tracing::warn!(%error, "old idempotency keys could not be removed, trying again later");
        }
    }
}
