//! The access points of blocks: set by admins, and held against what phones see.

use kit::{Db, access::Caller, events::outbox};

use crate::{
    Error,
    domain::{self, KnownPoint, SeenPoint},
    events::device as events,
    operations::App,
    rpc::convert_devices,
    store,
};

/// A block and its access points.
pub(crate) struct BlockPoints {
    pub block: String,
    pub points: Vec<KnownPoint>,
}

/// Puts a set in the place of the one before.
pub(crate) async fn set(
    app: &App,
    caller: &Caller,
    block: &str,
    points: Vec<KnownPoint>,
) -> Result<BlockPoints, Error> {
    let (block, folded) = (block.trim(), domain::folded(block));
    let txn = app.db.begin().await?;
    let new = (app.clock.new_id(), folded.as_str(), block);
    let touched = store::access_point::touch_in_txn(&txn, new, app.clock.now()).await?;
    store::access_point::replace_in_txn(&txn, &folded, &points).await?;
    let told = convert_devices::block_points(touched.name.clone(), &points);
    let event = events::access_points_set(&app.clock, caller, (touched.id, touched.version), told);
    outbox::add(&txn, event).await?;
    txn.commit().await?;
    Ok(BlockPoints {
        block: touched.name,
        points,
    })
}

/// What is known of a block; nothing of one that nobody said anything about.
pub(crate) async fn get(app: &App, block: &str) -> Result<BlockPoints, Error> {
    let (db, folded) = (app.db.reader(), domain::folded(block));
    let known = store::access_point::block(db, &folded).await?;
    Ok(BlockPoints {
        block: known.map_or_else(|| block.trim().to_owned(), |known| known.name),
        points: store::access_point::of_block(db, &folded).await?,
    })
}

/// How strongly what a phone sees speaks for a block, from 0 to 1; `None` where it sees none of the block's access points,
/// or none are known.
pub(crate) async fn matches(db: &Db, block_folded: &str, seen: &[SeenPoint]) -> Result<Option<f64>, Error> {
    if seen.is_empty() {
        return Ok(None);
    }
    let known = store::access_point::of_block(db.reader(), block_folded).await?;
    let known: Vec<_> = known.iter().map(|point| point.bssid).collect();
    Ok(domain::strength(&known, seen))
}
