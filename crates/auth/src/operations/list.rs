//! Reading accounts.

use kit::{
    access::Caller,
    page::{Order, Paging},
};
use proto::types::Page;
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
