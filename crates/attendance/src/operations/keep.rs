//! Keeping house: room for the months to come, and an end for what is too old.

use chrono::{Days, Months, NaiveDate};
use kit::idempotency;
use tokio_util::sync::CancellationToken;

use crate::{
    Error,
    operations::{App, devices::check},
    store::{self, partitions},
};

/// Room is made for this month and so many after it.
const MONTHS_AHEAD: u32 = 3;

/// Everything once; what fails is tried again the next time.
pub(crate) async fn house(app: &App, stop: &CancellationToken) {
    if let Err(error) = make_room(app).await {
        tracing::warn!(%error, "room for the months to come could not be made, trying again later");
    }
    if let Err(error) = forget_places(app, stop).await {
        tracing::warn!(%error, "old coordinates could not be removed, trying again later");
    }
    if let Err(error) = forget_stamps(app, stop).await {
        tracing::warn!(%error, "what devices signed could not be removed, trying again later");
    }
    if let Err(error) = forget_marks(app, stop).await {
        tracing::warn!(%error, "old roll calls could not be removed, trying again later");
    }
    if let Err(error) = idempotency::purge(&app.db, &app.clock).await {
        tracing::warn!(%error, "old idempotency keys could not be removed, trying again later");
    }
}

/// Makes room ahead, so that nobody who opens a roll call waits for it.
async fn make_room(app: &App) -> Result<(), Error> {
    let month = partitions::month_of(today(app));
    for ahead in 0..=MONTHS_AHEAD {
        let txn = app.db.begin().await?;
        partitions::make_room(&*txn, month + Months::new(ahead)).await?;
        txn.commit().await?;
    }
    Ok(())
}

async fn forget_places(app: &App, stop: &CancellationToken) -> Result<(), Error> {
    let before = app.clock.now() - Days::new(app.config.keep_coordinates_days.into());
    while store::keep::forget_some_places(&app.db, before).await? {
        if stop.is_cancelled() {
            return Ok(());
        }
    }
    Ok(())
}

async fn forget_stamps(app: &App, stop: &CancellationToken) -> Result<(), Error> {
    let before = app.clock.now() - check::HELD;
    while store::stamp::forget_some(&app.db, before).await? {
        if stop.is_cancelled() {
            return Ok(());
        }
    }
    Ok(())
}

/// Whole months go: those that ended so many months ago.
async fn forget_marks(app: &App, stop: &CancellationToken) -> Result<(), Error> {
    let before = partitions::month_of(today(app)) - Months::new(app.config.keep_months);
    for dropped in store::keep::drop_months(&app.db, before).await? {
        tracing::info!(table = dropped, "a month that is too old was removed");
    }
    while store::keep::delete_some(&app.db, before).await? {
        if stop.is_cancelled() {
            return Ok(());
        }
    }
    Ok(())
}

fn today(app: &App) -> NaiveDate {
    app.clock.now().with_timezone(&app.timezone).date_naive()
}
