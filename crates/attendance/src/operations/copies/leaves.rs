//! Reading all leaves anew, and making marks agree with them. Roll calls are held without the leave service: then nobody is excused
//! until it is heard again.

use kit::{
    access::Caller,
    copies::{self, Copies, Records},
};
use proto::leave::{LeaveRecord, StreamLeavesRequest, roster_client::RosterClient};
use tokio_util::sync::CancellationToken;

use super::excuse;
use crate::{heard, operations::App};

/// Whose leaves are copied.
pub(crate) const LEAVES: &str = "leave";

const COPIES: Copies = Copies::new(2, "leaves");

/// Fills the copy of leaves where it was never filled, as soon as the leave service answers; until told to stop.
pub(crate) async fn fill(app: &App, stop: &CancellationToken) {
    COPIES.fill(&app.db, stop, || rebuild(app)).await;
}

/// Reads every leave, and keeps what is newer than the copy; how many there were.
pub(crate) async fn rebuild(app: &App) -> anyhow::Result<u64> {
    let mut roster = RosterClient::new(copies::way(&app.upstreams, LEAVES)?);
    let request = app.tokens.request(StreamLeavesRequest {})?;
    let mut records = Records::of(LEAVES, roster.stream_leaves(request)).await?;
    while let Some(record) = records.next().await? {
        keep(app, &record).await?;
    }
    COPIES.note_filled(&app.db, &app.clock).await?;
    Ok(records.count())
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
