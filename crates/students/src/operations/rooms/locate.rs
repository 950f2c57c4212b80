//! Saying where a block stands.

use kit::{access::Caller, events::outbox};

use crate::{
    Error,
    domain::{Block, BlockName, Fill, Location},
    events::place,
    operations::App,
    store::{self, block::Had},
};

pub(crate) async fn locate(
    app: &App,
    caller: &Caller,
    name: BlockName,
    location: Location,
) -> Result<(Block, Fill), Error> {
    let now = app.clock.now();
    let wanted = Block::new(app.clock.new_id(), name, Some(location), now);
    let txn = app.db.begin().await?;
    let (block, is_changed) = match store::block::have_in_txn(&txn, &wanted).await? {
        Had::New(block) => (block, true),
        Had::Known(block) => match store::block::locate_in_txn(&txn, block.id, location, now).await? {
            Some(changed) => (changed, true),
            None => (block, false),
        },
    };
    if is_changed {
        outbox::add(&txn, place::block_updated(&app.clock, caller, &block)).await?;
    }
    let fill = store::block::fill(&*txn, block.id).await?;
    txn.commit().await?;
    Ok((block, fill))
}
