//! Reading all leaves anew, and making marks agree with them. Roll calls are held without the leave service: then nobody is excused
//! until it is heard again.

use std::time::Duration;

use anyhow::Context as _;
use kit::access::Caller;
use proto::leave::{LeaveRecord, StreamLeavesRequest, roster_client::RosterClient};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{
    excuse,
    rebuild::{FIRST_WAIT, LONGEST_WAIT, SILENCE, next, silent, with_token},
};
use crate::{
    heard,
    operations::App,
    store::{self, block::Copied},
};

/// Whose leaves are copied.
pub(crate) const LEAVES: &str = "leave";

/// Fills the copy of leaves where it was never filled, as soon as the leave service answers; until told to stop.
pub(crate) async fn fill(app: &App, stop: &CancellationToken) {
    if app.upstreams.channel_for_streams(LEAVES).is_none() {
        tracing::info!("no way to the service {LEAVES}: nothing is known of leaves but what events tell");
        return;
    }
    let mut wait: Duration = FIRST_WAIT;
    while !stop.is_cancelled() {
        match try_fill(app).await {
            Ok(None) => return,
            Ok(Some(count)) => return tracing::info!(count, "leaves copied"),
            Err(error) => tracing::warn!("leaves could not be copied, trying again in {wait:?}: {error:#}"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(wait) => {}
        }
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// How many leaves there were; `None` where the copy is filled already.
async fn try_fill(app: &App) -> anyhow::Result<Option<u64>> {
    if store::block::is_filled(app.db.reader(), Copied::Leaves).await? {
        return Ok(None);
    }
    rebuild(app).await.map(Some)
}

/// Reads every leave, and keeps what is newer than the copy; how many there were. Nothing where no way leads to their service.
pub(crate) async fn rebuild(app: &App) -> anyhow::Result<u64> {
    let Some(channel) = app.upstreams.channel_for_streams(LEAVES) else {
        return Ok(0);
    };
    let request = with_token(app, StreamLeavesRequest {})?;
    let mut roster = RosterClient::new(channel);
    let answer = timeout(SILENCE, roster.stream_leaves(request))
        .await
        .with_context(|| silent(LEAVES))?;
    let mut stream = answer.context("the leaves cannot be read")?.into_inner();
    let mut count = 0;
    while let Some(record) = next(&mut stream, LEAVES).await? {
        keep(app, &record).await?;
        count += 1;
    }
    let txn = app.db.begin().await?;
    store::block::note_filled_in_txn(&txn, Copied::Leaves, app.clock.now()).await?;
    txn.commit().await?;
    Ok(count)
}

/// Each in a transaction of its own, as where it is heard of: the roll calls of its days are held meanwhile.
async fn keep(app: &App, record: &LeaveRecord) -> anyhow::Result<()> {
    let leave = heard::leave(record).map_err(|why| anyhow::anyhow!("the leave {}: {why}", record.id))?;
    let caller = Caller::service("attendance", app.clock.new_id().to_string());
    let txn = app.db.begin().await?;
    excuse::keep_in_txn(app, &caller, &txn, &leave).await?;
    txn.commit().await?;
    Ok(())
}
