//! Saying how well a grievance was resolved.

use kit::access::Caller;
use proto::grievance as message;

use super::{App, read, step::step_in_txn, view};
use crate::{
    Error,
    domain::{Rating, TicketRef},
};

/// Once for each time that it was resolved.
pub(crate) async fn rate(
    app: &App,
    caller: &Caller,
    ticket: TicketRef,
    (stars, comment): (u8, Option<String>),
) -> Result<message::Grievance, Error> {
    let txn = app.db.begin().await?;
    let before = read::find(app, &*txn, caller, ticket).await?;
    if before.state.resolution().is_none() {
        return Err(Error::NotResolved);
    }
    if let Some(rating) = &before.rating {
        return Err(Error::Rated(rating.stars));
    }
    let mut after = before.clone();
    after.rating = Some(Rating {
        stars,
        comment,
        at: app.clock.now(),
    });
    let after = step_in_txn(app, caller, &txn, &before, after).await?;
    txn.commit().await?;
    view::whole(app, caller, &after).await
}
