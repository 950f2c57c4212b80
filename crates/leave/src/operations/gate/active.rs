//! Who is on a granted leave on a day.

use chrono::NaiveDate;
use kit::{access::Caller, page::Paging};
use proto::{leave as message, types::Page};

use crate::{
    Error,
    operations::{App, shown},
    store::{self, leave::Period},
};

/// Which day, today unless said, and of which block.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    pub day: Option<NaiveDate>,
    pub block: Option<String>,
    pub paging: Paging,
}

/// One page of the leaves of a day, by name.
pub(crate) async fn active(app: &App, caller: &Caller, query: Query) -> Result<(Vec<message::Leave>, Page), Error> {
    let (db, day) = (app.db.reader(), query.day.unwrap_or_else(|| app.today()));
    let period = Period {
        from: day,
        to: day,
        block: query.block,
    };
    let (leaves, total) = store::leave::granted_by_name(db, &app.private, caller, &period, query.paging).await?;
    let leaves = shown::all(app, db, caller, leaves).await?;
    Ok((leaves, query.paging.of(total)))
}
