//! Reading leaves.

use std::sync::Arc;

use futures_util::{Stream, TryStreamExt as _, stream};
use kit::{
    access::Caller,
    page::{Order, Paging},
};
use proto::{leave as message, types::Page};
use uuid::Uuid;

use crate::{
    Error,
    domain::Summary,
    operations::{App, shown},
    store::{
        self,
        leave::{Filter, SortBy},
    },
};

/// Leaves that are read at a time.
const A_BATCH: u64 = 500;

/// Which leaves, in which order.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    pub filter: Filter,
    pub sort: (SortBy, Order),
    pub paging: Paging,
}

/// One page of the leaves that the caller may see.
pub(crate) async fn list(app: &App, caller: &Caller, query: &Query) -> Result<(Vec<message::Leave>, Page), Error> {
    let db = app.db.reader();
    let (leaves, total) = store::leave::list(db, &app.private, caller, &query.filter, query.sort, query.paging).await?;
    let leaves = shown::all(app, db, caller, leaves).await?;
    Ok((leaves, query.paging.of(total)))
}

/// A leave that the caller may see.
pub(crate) async fn get(app: &App, caller: &Caller, id: Uuid) -> Result<message::Leave, Error> {
    let db = app.db.reader();
    let leave = store::leave::find_visible(db, &app.private, caller, id).await?;
    shown::one(app, db, caller, leave.ok_or(Error::UnknownLeave)?).await
}

/// What others need to know of every leave, by id.
pub(crate) fn every(app: Arc<App>) -> impl Stream<Item = Result<Summary, Error>> {
    let batches = stream::try_unfold(Some(Uuid::nil()), move |after| {
        let app = app.clone();
        async move {
            let Some(after) = after else {
                return Ok::<_, Error>(None);
            };
            let batch = store::leave::summaries_after(app.db.reader(), after, A_BATCH).await?;
            let last = batch.last().map(|leave| leave.id);
            let leaves = stream::iter(batch.into_iter().map(Ok::<_, Error>));
            Ok(last.map(|last| (leaves, Some(last))))
        }
    });
    batches.try_flatten()
}
