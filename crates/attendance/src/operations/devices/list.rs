//! Listing devices.

use kit::{access::Caller, page::Paging};
use proto::types::Page;

use crate::{
    Error,
    domain::Device,
    operations::App,
    store::{self, device::Filter},
};

/// One page of the devices that the caller may see.
pub(crate) async fn list(
    app: &App,
    caller: &Caller,
    filter: Filter,
    paging: Paging,
) -> Result<(Vec<Device>, Page), Error> {
    let now = app.clock.now();
    let (devices, total) = store::device::list(app.db.reader(), caller, filter, now, paging).await?;
    Ok((devices, paging.of(total)))
}
