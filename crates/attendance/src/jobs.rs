//! What this service does by the clock.

use std::time::Duration;

use kit::ticks::Ticks;
use tokio_util::sync::CancellationToken;

use crate::{
    operations::{
        App,
        copies::{leaves, rebuild},
        flags, keep,
        sessions::{close, settle},
    },
    telling,
};

/// So late at most a roll call is closed or settled.
const EACH_SECOND: Duration = Duration::from_secs(1);
const TWICE_A_SECOND: Duration = Duration::from_millis(500);
const AFTER_A_FAILURE: Duration = Duration::from_secs(5);
const TWICE_A_MINUTE: Duration = Duration::from_secs(30);
const HOURLY: Duration = Duration::from_hours(1);

/// Everything that is done by the clock, until told to stop.
pub(crate) async fn run(app: &App, stop: &CancellationToken) {
    tokio::join!(
        stop.cancelled(),
        rebuild::fill(app, stop),
        leaves::fill(app, stop),
        end_roll_calls(app, stop),
        tell(app, stop),
        tell_what_others_left(app, stop),
        flags::look::regularly(app, stop),
        keep_house(app, stop)
    );
}

/// Closes roll calls whose time is over, settles those whose late scans have ended. Any number of processes may do it at once.
async fn end_roll_calls(app: &App, stop: &CancellationToken) {
    let mut ticks = Ticks::every(EACH_SECOND, stop);
    while ticks.next().await {
        if let Err(error) = close::overdue(app, stop).await {
            tracing::warn!(%error, "roll calls whose time is over cannot be looked for, trying again");
        }
        if let Err(error) = settle::due(app, stop).await {
            tracing::warn!(%error, "roll calls to settle cannot be looked for, trying again");
        }
    }
}

/// In a crowd, this is when others learn whom scans marked.
async fn tell(app: &App, stop: &CancellationToken) {
    let mut ticks = Ticks::every(TWICE_A_SECOND, stop);
    while ticks.next().await {
        if !app.group.tell_what_was_left(app).await {
            ticks = Ticks::after(AFTER_A_FAILURE, TWICE_A_SECOND, stop);
        }
    }
}

/// A process that ended by force leaves marks that it did not tell: the next one does, or one beside it.
async fn tell_what_others_left(app: &App, stop: &CancellationToken) {
    let mut ticks = Ticks::every(TWICE_A_MINUTE, stop);
    while ticks.next().await {
        if let Err(error) = telling::tell_what_was_left(app).await {
            tracing::warn!(%error, "whom scans marked could not be told, trying again");
        }
    }
}

async fn keep_house(app: &App, stop: &CancellationToken) {
    let mut ticks = Ticks::every(HOURLY, stop);
    while ticks.next().await {
        keep::house(app, stop).await;
    }
}
