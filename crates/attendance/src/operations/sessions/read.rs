//! Reading roll calls: one, a page of them, and who was there.

use kit::{
    access::Caller,
    page::{Order, Paging},
};
use proto::types::Page;
use uuid::Uuid;

use super::App;
use crate::{
    Error,
    domain::{Counts, Session},
    store::session::{
        counts,
        list::{self, Filter, SortBy},
    },
};

/// Which roll calls, in which order, which page.
pub(crate) struct Query {
    pub filter: Filter,
    pub sort: (SortBy, Order),
    pub paging: Paging,
}

/// A roll call that the caller may see.
pub(crate) async fn one(app: &App, caller: &Caller, id: Uuid) -> Result<Session, Error> {
    let found = list::one(&app.db, caller, id).await?;
    found.ok_or(Error::UnknownSession)
}

/// How many students of a roll call were there.
pub(crate) async fn counts(app: &App, session: &Session) -> Result<Counts, Error> {
    let mut counts = counts::of(&app.db, std::slice::from_ref(session)).await?;
    Ok(counts.remove(&session.id).unwrap_or_default())
}

/// One page, each with its counts.
pub(crate) async fn page(app: &App, caller: &Caller, query: &Query) -> Result<(Vec<(Session, Counts)>, Page), Error> {
    let Query { filter, sort, paging } = query;
    let (sessions, total) = list::page(&app.db, caller, filter, *sort, *paging, app.clock.now()).await?;
    let mut counts = counts::of(&app.db, &sessions).await?;
    let counted = sessions.into_iter().map(|session| {
        let of_it = counts.remove(&session.id).unwrap_or_default();
        (session, of_it)
    });
    Ok((counted.collect(), paging.of(total)))
}
