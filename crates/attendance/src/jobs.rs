//! What this service does by the clock.

use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::operations::{
    App,
    copies::{leaves, rebuild},
    flags, keep,
    sessions::{close, settle},
};

/// So late at most a roll call is closed or settled.
const EACH_SECOND: Duration = Duration::from_secs(1);
const HOURLY: Duration = Duration::from_hours(1);

/// Everything that is done by the clock, until told to stop.
pub(crate) async fn run(app: &App, stop: &CancellationToken) {
    tokio::join!(
        stop.cancelled(),
        rebuild::fill(app, stop),
        leaves::fill(app, stop),
        end_roll_calls(app, stop),
        flags::look::regularly(app, stop),
        keep_house(app, stop)
    );
}

/// Closes roll calls whose time is over, settles those whose late scans have ended. Any number of processes may do it at once.
async fn end_roll_calls(app: &App, stop: &CancellationToken) {
    let mut ticks = every(EACH_SECOND);
    while next(&mut ticks, stop).await {
        if let Err(error) = close::overdue(app, stop).await {
            tracing::warn!(%error, "roll calls whose time is over cannot be looked for, trying again");
        }
        if let Err(error) = settle::due(app, stop).await {
            tracing::warn!(%error, "roll calls to settle cannot be looked for, trying again");
        }
    }
}

async fn keep_house(app: &App, stop: &CancellationToken) {
    let mut ticks = every(HOURLY);
    while next(&mut ticks, stop).await {
        keep::house(app, stop).await;
    }
}

/// What was missed is not made up for: once is enough.
fn every(period: Duration) -> Interval {
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// Waits for the next time; `false` when told to stop.
async fn next(ticks: &mut Interval, stop: &CancellationToken) -> bool {
    tokio::select! {
        () = stop.cancelled() => false,
        _ = ticks.tick() => true,
    }
}
