//! What is forgotten by the clock.
//!
//! The spent refresh tokens of a session stay as long as the session lives, however old they are: a copy of any of them
//! is to be found out. They go with the session.

use std::time::Duration as StdDuration;

use chrono::Duration;
use kit::idempotency;
use sea_orm::DbErr;
use tokio_util::sync::CancellationToken;

use super::App;
use crate::store::{
    signing_key,
    tidy::{self, Kind},
};

const EVERY: StdDuration = StdDuration::from_hours(1);
/// So many batches of one kind an hour; what is left waits for the next.
const MOST_BATCHES: usize = 200;

/// What goes, and how long after its end.
const KEPT: [(Kind, Duration); 6] = [
    (Kind::RefreshTokens, Duration::days(30)),
    (Kind::Sessions, Duration::days(30)),
    (Kind::Devices, Duration::days(180)),
    (Kind::Challenges, Duration::hours(1)),
    (Kind::Codes, Duration::hours(1)),
    // Erasing took what was published by then; this is what was not.
    (Kind::EventsOfErased, Duration::minutes(1)),
];

/// Tidies up once an hour until told to stop.
pub(crate) async fn hourly(app: &App, stop: &CancellationToken) {
    let mut ticks = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        for (kind, kept) in KEPT {
            if let Err(error) = forget(app, stop, kind, kept).await {
                tracing::warn!(?kind, %error, "what is past its time could not be removed, trying again later");
            }
        }
        if let Err(error) = forget_keys(app).await {
            tracing::warn!(%error, "old signing keys could not be removed, trying again later");
        }
        if let Err(error) = idempotency::purge(&app.db, &app.clock).await {
            tracing::warn!(%error, "old idempotency keys could not be removed, trying again later");
        }
    }
}

async fn forget(app: &App, stop: &CancellationToken, kind: Kind, kept: Duration) -> Result<(), DbErr> {
    let before = app.clock.now() - kept;
    for _ in 0..MOST_BATCHES {
        let txn = app.db.begin().await?;
        let there_is_more = tidy::batch_in_txn(&txn, kind, before).await?;
        txn.commit().await?;
        if !there_is_more || stop.is_cancelled() {
            break;
        }
    }
    Ok(())
}

async fn forget_keys(app: &App) -> Result<(), DbErr> {
    let txn = app.db.begin().await?;
    let deleted = signing_key::delete_ended_in_txn(&txn, app.clock.now()).await?;
    if deleted > 0 {
        tracing::info!(deleted, "signing keys whose tokens have all ended");
    }
    txn.commit().await
}
