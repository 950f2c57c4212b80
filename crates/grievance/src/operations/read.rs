//! Reading grievances: one, a page of them, how one came to be as it is.

use kit::{
    access::Caller,
    page::{Order, Paging},
};
use proto::{grievance as message, types::Page};
use sea_orm::ConnectionTrait;

use super::{App, view};
use crate::{
    Error,
    domain::{Ticket, TicketRef},
    rpc::convert_history,
    store::{
        self,
        ticket::list::{Filter, SortBy},
    },
};

/// Which grievances, in which order, which page.
pub(crate) struct Query {
    pub filter: Filter,
    pub sort: (SortBy, Order),
    pub paging: Paging,
}

/// A ticket that the caller may see.
pub(crate) async fn find(
    app: &App,
    db: &impl ConnectionTrait,
    caller: &Caller,
    ticket: TicketRef,
) -> Result<Ticket, Error> {
    let found = store::ticket::find(db, caller, &app.named, ticket).await?;
    found.ok_or(Error::UnknownTicket)
}

/// One, as answers tell it.
pub(crate) async fn one(app: &App, caller: &Caller, ticket: TicketRef) -> Result<message::Grievance, Error> {
    let ticket = find(app, app.db.reader(), caller, ticket).await?;
    view::whole(app, caller, &ticket).await
}

/// One page.
pub(crate) async fn page(app: &App, caller: &Caller, query: &Query) -> Result<(Vec<message::Grievance>, Page), Error> {
    let Query { filter, sort, paging } = query;
    let (tickets, total) = store::ticket::list::page(
        app.db.reader(),
        (caller, &app.named),
        filter,
        *sort,
        *paging,
        app.clock.now(),
    )
    .await?;
    Ok((view::many(app, caller, &tickets).await?, paging.of(total)))
}

/// How a grievance came to be as it is.
pub(crate) async fn history(
    app: &App,
    caller: &Caller,
    ticket: TicketRef,
    paging: Paging,
) -> Result<(Vec<message::GrievanceChange>, Page), Error> {
    let db = app.db.reader();
    let ticket = find(app, db, caller, ticket).await?;
    let with_internal = !view::is_student(caller);
    let (changes, total) = store::change::page(db, ticket.id, with_internal, paging).await?;
    let authors: Vec<_> = changes.iter().filter_map(|change| change.author).collect();
    let names = view::names(app, &authors).await?;
    let sight = view::sight_of(app, caller, &ticket);
    let told = changes
        .iter()
        .map(|change| convert_history::change(change, &ticket, sight, &names));
    Ok((told.collect(), paging.of(total)))
}
