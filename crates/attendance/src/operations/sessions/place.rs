//! Which block a roll call is for, and where it is held.

use std::time::Duration;

use kit::{Fault, access::Caller, fault::Violation};
use proto::students::{StreamBlocksRequest, roster_client::RosterClient};
use tokio::time::timeout;

use super::App;
use crate::{
    Error,
    domain::{self, Factor, KnownBlock, NewSession, Place},
    store,
};

/// A guard waits for it.
const ASK_LIMIT: Duration = Duration::from_secs(1);
/// No hostel has as many blocks.
const MOST_BLOCKS: usize = 10_000;

/// The roll call with its block as it is called, and with the block's own place where none was given.
pub(crate) async fn settled(app: &App, caller: &Caller, new: NewSession) -> Result<NewSession, Error> {
    let folded = domain::folded(&new.block);
    let needs_place = new.require.asks_for(Factor::Proximity) && new.place.is_none();
    let mut known = store::place::of_block(&app.db, &folded).await?;
    // Copies lag: what is not in them yet may be known where it comes from.
    if known.as_ref().is_none_or(|block| needs_place && block.place.is_none()) {
        known = ask(app, caller, &folded).await.or(known);
    }
    let Some(block) = known else {
        return Err(invalid("block", "is no block of this hostel"));
    };
    let place = new.place.or(block.place);
    if place.is_none() && needs_place {
        return Err(invalid(
            "location",
            "is needed, for nobody said where this block stands: send it, set the block's own location, or leave proximity out of \
             `require`",
        ));
    }
    Ok(NewSession {
        block: block.name,
        place,
        ..new
    })
}

fn invalid(field: &str, why: &str) -> Error {
    Error::Invalid(vec![Violation::new(field, why)])
}

/// The block as the students service knows it. Where that service is away, nothing is known.
async fn ask(app: &App, caller: &Caller, folded: &str) -> Option<KnownBlock> {
    match timeout(ASK_LIMIT, look_through(app, caller, folded)).await {
        Ok(Ok(block)) => block,
        Ok(Err(fault)) => {
            tracing::debug!(%fault, "students cannot be asked for a block");
            None
        }
        Err(_) => {
            tracing::debug!("students took too long to tell of a block");
            None
        }
    }
}

async fn look_through(app: &App, caller: &Caller, folded: &str) -> Result<Option<KnownBlock>, Fault> {
    let channel = app.upstreams.channel_for_streams("students");
    let channel = channel.ok_or_else(|| Fault::unavailable("There is no way to students"))?;
    let mut request = app.tokens.request_for(caller, StreamBlocksRequest {})?;
    request.set_timeout(ASK_LIMIT);
    let mut blocks = RosterClient::new(channel)
        .stream_blocks(request)
        .await
        .map_err(|status| Fault::from_status(&status))?
        .into_inner();
    for _ in 0..MOST_BLOCKS {
        let next = blocks.message().await.map_err(|status| Fault::from_status(&status))?;
        let Some(block) = next else {
            return Ok(None);
        };
        if domain::folded(&block.block) == folded {
            let place = block.location.map(|at| Place::of_block((at.latitude, at.longitude)));
            return Ok(Some(KnownBlock {
                name: block.block,
                place,
            }));
        }
    }
    Ok(None)
}
