//! Reading the trail.

use kit::{
    access::Caller,
    page::{Order, Paging},
};
use proto::types::Page;

use super::App;
use crate::{
    Error,
    domain::Entry,
    store::{self, Filter},
};

pub(crate) async fn list(
    app: &App,
    caller: &Caller,
    filter: &Filter,
    order: Order,
    paging: Paging,
) -> Result<(Vec<Entry>, Page), Error> {
    let (entries, total) = store::list(app.db.reader(), caller, filter, order, paging).await?;
    Ok((entries, paging.of(total)))
}
