//! Reading accounts.

use std::sync::Arc;

use futures_util::{Stream, TryStreamExt as _, stream};
use kit::{
    access::Caller,
    page::{Order, Paging},
};
use proto::{options::Role, types::Page};
use uuid::Uuid;

use super::App;
use crate::{
    Error,
    domain::User,
    store::{
        self,
        user::{Filter, SortBy},
    },
};

/// So many accounts are read at once.
const A_BATCH: u64 = 500;

/// Which accounts, in which order, which page.
pub(crate) struct Query {
    pub filter: Filter,
    pub sort: (SortBy, Order),
    pub paging: Paging,
}

pub(crate) async fn list(app: &App, caller: &Caller, query: Query) -> Result<(Vec<User>, Page), Error> {
    app.present(caller).await?;
    let (users, total) = store::user::list(app.db.reader(), caller, &query.filter, query.sort, query.paging).await?;
    Ok((users, query.paging.of(total)))
}

pub(crate) async fn get(app: &App, caller: &Caller, id: Uuid) -> Result<User, Error> {
    app.present(caller).await?;
    store::user::find(app.db.reader(), caller, id)
        .await?
        .ok_or(Error::UnknownUser)
}

/// Every account with one of these roles, or every account where none is named, by id, as many at once as fit a batch.
pub(crate) fn everybody(app: Arc<App>, roles: Vec<Role>) -> impl Stream<Item = Result<User, Error>> {
    let batches = stream::try_unfold((app, roles, Uuid::nil()), async |(app, roles, after)| {
        let batch = store::user::after(app.db.reader(), &roles, after, A_BATCH).await?;
        let Some(last) = batch.last().map(|user| user.id) else {
            return Ok::<_, Error>(None);
        };
        Ok(Some((stream::iter(batch.into_iter().map(Ok)), (app, roles, last))))
    });
    batches.try_flatten()
}
