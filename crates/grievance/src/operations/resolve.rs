//! Resolving a grievance.

use kit::access::Caller;
use proto::grievance as message;

use super::{App, read, step::step_in_txn, view};
use crate::{
    Error,
    domain::{Resolution, TicketRef},
};

/// Of several at once one resolves it, the others learn what stands.
pub(crate) async fn resolve(
    app: &App,
    caller: &Caller,
    ticket: TicketRef,
    comments: String,
) -> Result<message::Grievance, Error> {
    let (by, _) = caller.user()?;
    let txn = app.db.begin().await?;
    let before = read::find(app, &*txn, caller, ticket).await?;
    let resolution = Resolution {
        by,
        at: app.clock.now(),
        comments: Some(comments),
    };
    let state = before.state.clone().resolve(resolution);
    let state = state.map_err(|refusal| Error::refusal(refusal, &before))?;
    let mut after = before.clone();
    after.state = state;
    let after = step_in_txn(app, caller, &txn, &before, after).await?;
    txn.commit().await?;
    view::whole(app, caller, &after).await
}
