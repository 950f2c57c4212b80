//! Listing rooms, blocks, and who lived in a room.

use kit::{
    access::Caller,
    page::{Order, Paging},
};
use proto::types::Page;
use uuid::Uuid;

use crate::{
    Error,
    domain::{Block, Fill, Room},
    operations::App,
    store::{
        self,
        resident::NamedStay,
        room::{Filter, SortBy},
    },
};

/// Which rooms, in which order, which page.
pub(crate) struct Query {
    pub filter: Filter,
    pub sort: (SortBy, Order),
    pub paging: Paging,
}

pub(crate) async fn rooms(app: &App, caller: &Caller, query: Query) -> Result<(Vec<Room>, Page), Error> {
    let (rooms, total) = store::room::list(app.db.reader(), caller, &query.filter, query.sort, query.paging).await?;
    Ok((rooms, query.paging.of(total)))
}

/// Every block, on one page.
pub(crate) async fn blocks(app: &App) -> Result<Vec<(Block, Fill)>, Error> {
    store::block::all_with_fill(app.db.reader()).await
}

/// Who lived in a room and when, also of a room that is gone.
pub(crate) async fn stays(app: &App, room: Uuid, paging: Paging) -> Result<(Vec<NamedStay>, Page), Error> {
    let (stays, total) = store::resident::stays_in(app.db.reader(), room, paging).await?;
    if total == 0 && store::room::find(app.db.reader(), room).await?.is_none() {
        return Err(Error::UnknownRoom);
    }
    Ok((stays, paging.of(total)))
}
