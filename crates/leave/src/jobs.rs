//! What this service does by the clock.

use std::time::Duration;

use kit::{
    files::kept::{self, Tidied},
    idempotency,
    ticks::Ticks,
};
use tokio_util::sync::CancellationToken;

use crate::{
    operations::{App, copies::rebuild, gate::overdue, guardian::letters, reseal},
    store,
};

const HOURLY: Duration = Duration::from_hours(1);
const LOOK_FOR_LETTERS: Duration = Duration::from_secs(2);
/// A link that ended is known for so long: whoever opens it is told so.
const LINKS_KEPT: chrono::Duration = chrono::Duration::days(90);

/// Everything that is done by the clock, until told to stop.
pub(crate) async fn run(app: &App, stop: &CancellationToken) {
    tokio::join!(
        stop.cancelled(),
        rebuild::fill(app, stop),
        send_letters(app, stop),
        tell_overdue(app, stop),
        tidy_files(app, stop),
        keep_house(app, stop),
    );
}

async fn send_letters(app: &App, stop: &CancellationToken) {
    let mut ticks = Ticks::every(LOOK_FOR_LETTERS, stop);
    while ticks.next().await {
        if let Err(error) = letters::send_due(app, stop).await {
            tracing::warn!(%error, "letters to guardians that wait cannot be read, trying again");
        }
    }
}

async fn tell_overdue(app: &App, stop: &CancellationToken) {
    let mut ticks = Ticks::every(Duration::from_secs(app.config.overdue_every_seconds.into()), stop);
    while ticks.next().await {
        match overdue::tell(app, stop).await {
            Ok(0) => {}
            Ok(told) => tracing::info!(told, "students should be back and are not"),
            Err(error) => tracing::warn!(%error, "who is overdue could not be told, trying again"),
        }
    }
}

/// Gives up uploads that broke off, and deletes files whose documents are gone.
async fn tidy_files(app: &App, stop: &CancellationToken) {
    let mut ticks = Ticks::every(Duration::from_secs(u64::from(app.config.tidy_minutes) * 60), stop);
    while ticks.next().await {
        match kept::tidy(&app.db, &*app.files, &app.clock).await {
            Ok(done) if done != Tidied::default() => tracing::info!(?done, "files of documents were tidied up"),
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "files of documents could not be tidied up, trying again later"),
        }
    }
}

async fn keep_house(app: &App, stop: &CancellationToken) {
    let mut ticks = Ticks::every(HOURLY, stop);
    while ticks.next().await {
        match reseal::everything(app, stop).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "values sealed with the present key"),
            Err(error) => tracing::warn!(%error, "values could not be sealed anew, trying again later"),
        }
        if let Err(error) = idempotency::purge(&app.db, &app.clock).await {
            tracing::warn!(%error, "old idempotency keys could not be removed, trying again later");
        }
        if let Err(error) = store::guardian_link::purge(&app.db, app.clock.now() - LINKS_KEPT).await {
            tracing::warn!(%error, "old links to guardians could not be removed, trying again later");
        }
    }
}
