//! Listing flags.

use kit::page::Paging;
use proto::types::Page;

use crate::{
    Error,
    domain::Flag,
    operations::App,
    store::{self, flag::Filter},
};

/// One page of flags, the latest first.
pub(crate) async fn list(app: &App, filter: Filter, paging: Paging) -> Result<(Vec<Flag>, Page), Error> {
    let (flags, total) = store::flag::list(app.db.reader(), filter, paging).await?;
    Ok((flags, paging.of(total)))
}
