//! Reading students: one, a page of them, where they lived, everybody.

use std::sync::Arc;

use futures_util::{Stream, TryStreamExt as _, stream};
use kit::{
    access::Caller,
    page::{Order, Paging},
};
use proto::{students::BlockRecord, types::Page};
use uuid::Uuid;

use super::App;
use crate::{
    Error,
    domain::{Stay, Student},
    events,
    store::{
        self,
        student::list::{Filter, SortBy},
    },
};

/// Students read at once when all of them are.
const A_BATCH: u64 = 1000;

/// Which students, in which order, which page.
pub(crate) struct Query {
    pub filter: Filter,
    pub sort: (SortBy, Order),
    pub paging: Paging,
}

pub(crate) async fn get(app: &App, caller: &Caller, id: Uuid) -> Result<Student, Error> {
    let found = store::student::find(app.db.reader(), &app.private, caller, id).await?;
    found.ok_or(Error::UnknownStudent)
}

pub(crate) async fn list(app: &App, caller: &Caller, query: Query) -> Result<(Vec<Student>, Page), Error> {
    let Query { filter, sort, paging } = query;
    let (students, total) =
        store::student::list::page(app.db.reader(), &app.private, caller, &filter, sort, paging).await?;
    Ok((students, paging.of(total)))
}

/// Where a student lived, the present first.
pub(crate) async fn stays(
    app: &App,
    caller: &Caller,
    id: Uuid,
    paging: Paging,
) -> Result<(Student, Vec<Stay>, Page), Error> {
    let student = get(app, caller, id).await?;
    let (stays, total) = store::stay::of_student(app.db.reader(), id, paging).await?;
    Ok((student, stays, paging.of(total)))
}

/// Every student by id, as many at once as fit a batch.
pub(crate) fn everybody(app: Arc<App>) -> impl Stream<Item = Result<Student, Error>> {
    let batches = stream::try_unfold((app, Uuid::nil()), async |(app, after)| {
        let batch = store::student::list::after(app.db.reader(), &app.private, after, A_BATCH).await?;
        let Some(last) = batch.last().map(|student| student.id) else {
            return Ok::<_, Error>(None);
        };
        Ok(Some((stream::iter(batch.into_iter().map(Ok)), (app, last))))
    });
    batches.try_flatten()
}

/// Every block by name.
pub(crate) fn every_block(app: Arc<App>) -> impl Stream<Item = Result<BlockRecord, Error>> {
    let batches = stream::try_unfold((app, String::new()), async |(app, after)| {
        let batch = store::roster::blocks_after(app.db.reader(), &after, A_BATCH).await?;
        let Some(last) = batch.last().map(|block| block.name.folded()) else {
            return Ok::<_, Error>(None);
        };
        let records: Vec<_> = batch.iter().map(events::place::block_record).map(Ok).collect();
        Ok(Some((stream::iter(records), (app, last))))
    });
    batches.try_flatten()
}
