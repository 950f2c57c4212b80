//! Retiring a device.

use kit::{access::Caller, events::outbox};
use uuid::Uuid;

use crate::{Error, domain::Device, events::device as events, operations::App, store};

/// The device signs nothing any more. Doing it again changes nothing; somebody else's does not exist for a student.
pub(crate) async fn retire(app: &App, caller: &Caller, id: Uuid) -> Result<Device, Error> {
    let txn = app.db.begin().await?;
    let found = store::device::find_visible(&*txn, caller, id).await?;
    let found = found.ok_or(Error::UnknownDevice)?;
    let Some(device) = store::device::retire_in_txn(&txn, id, app.clock.now()).await? else {
        // Somebody retired it before, or at this very moment.
        let now = store::device::find_visible(&*txn, caller, id).await?;
        return Ok(now.unwrap_or(found));
    };
    outbox::add(&txn, events::changed(&app.clock, caller, &device)).await?;
    txn.commit().await?;
    Ok(device)
}
