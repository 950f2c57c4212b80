//! Reopening a grievance that its student is not content with.

use kit::access::Caller;
use proto::grievance as message;

use super::{
    App,
    comments::add::say_in_txn,
    read,
    step::{author, step_in_txn},
    view,
};
use crate::{
    Error,
    domain::{Comment, TicketRef},
};

/// Its time begins anew, and it can be rated again once it is resolved again. What the student says is a comment like any other.
pub(crate) async fn reopen(
    app: &App,
    caller: &Caller,
    ticket: TicketRef,
    comments: Option<String>,
) -> Result<message::Grievance, Error> {
    let (student, _) = caller.user()?;
    let now = app.clock.now();
    let txn = app.db.begin().await?;
    let before = read::find(app, &*txn, caller, ticket).await?;
    let state = before.state.clone().reopen(now, app.reopen_within());
    let state = state.map_err(|refusal| Error::refusal(refusal, &before))?;
    let mut after = before.clone();
    after.state = state;
    after.timing.clock_from = now;
    after.rating = None;
    let mut after = step_in_txn(app, caller, &txn, &before, after).await?;
    if let Some(text) = comments {
        let (_, author_role) = author(caller);
        let comment = Comment {
            id: app.clock.new_id(),
            ticket_id: after.id,
            author: student,
            author_role,
            text,
            internal: false,
            created_at: app.clock.now(),
        };
        after = say_in_txn(app, caller, &txn, &after, &comment).await?;
    }
    txn.commit().await?;
    view::whole(app, caller, &after).await
}
