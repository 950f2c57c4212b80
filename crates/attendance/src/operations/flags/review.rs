//! Saying what came of a look at a flag.

use kit::{access::Caller, events::outbox};
use uuid::Uuid;

use crate::{
    Error,
    domain::{Flag, FlagReview, Verdict},
    events::device as events,
    operations::App,
    store,
};

/// Said once: whoever comes second learns what was said.
pub(crate) async fn review(
    app: &App,
    caller: &Caller,
    id: Uuid,
    verdict: Verdict,
    note: Option<String>,
) -> Result<Flag, Error> {
    let (by, _) = caller.user()?;
    let review = FlagReview {
        verdict,
        note,
        by,
        at: app.clock.now(),
    };
    let txn = app.db.begin().await?;
    let Some(flag) = store::flag::review_in_txn(&txn, id, &review).await? else {
        let known = store::flag::find(&*txn, id).await?.ok_or(Error::UnknownFlag)?;
        return Err(Error::FlagReviewed(known.review));
    };
    outbox::add(&txn, events::flag_changed(&app.clock, caller, &flag)).await?;
    txn.commit().await?;
    Ok(flag)
}
