//! What was said about a grievance.

use kit::{access::Caller, page::Paging};
use proto::{grievance as message, types::Page};

use crate::{
    Error,
    domain::TicketRef,
    operations::{App, read, view},
    rpc::convert_comments,
    store,
};

/// One page, the first first. Students are never told of internal notes.
pub(crate) async fn page(
    app: &App,
    caller: &Caller,
    ticket: TicketRef,
    paging: Paging,
) -> Result<(Vec<message::GrievanceComment>, Page), Error> {
    let db = app.db.reader();
    let ticket = read::find(app, db, caller, ticket).await?;
    let with_internal = !view::is_student(caller);
    let (comments, total) = store::comment::page(db, ticket.id, with_internal, paging).await?;
    let authors: Vec<_> = comments.iter().map(|comment| comment.author).collect();
    let names = view::names(app, &authors).await?;
    let sight = view::sight_of(app, caller, &ticket);
    let told = comments
        .iter()
        .map(|comment| convert_comments::comment(comment, &ticket, sight, &names));
    Ok((told.collect(), paging.of(total)))
}
