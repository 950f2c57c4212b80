//! Approving a device that waits.

use kit::{access::Caller, events::outbox};
use uuid::Uuid;

use crate::{Error, domain::Device, events::device as events, operations::App, store};

/// The device is good from now on. One that does not wait stays as it is.
pub(crate) async fn approve(app: &App, caller: &Caller, id: Uuid) -> Result<Device, Error> {
    let (warden, _) = caller.user()?;
    let txn = app.db.begin().await?;
    let Some(device) = store::device::approve_in_txn(&txn, id, warden, app.clock.now()).await? else {
        let found = store::device::find_visible(&*txn, caller, id).await?;
        let found = found.ok_or(Error::UnknownDevice)?;
        return if found.retired_at.is_some() {
            Err(Error::DeviceRetired)
        } else {
            Ok(found)
        };
    };
    outbox::add(&txn, events::changed(&app.clock, caller, &device)).await?;
    txn.commit().await?;
    Ok(device)
}
