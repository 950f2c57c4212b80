//! Registering a device.

use kit::{access::Caller, db::Txn, events::outbox};

use crate::{
    Error,
    domain::{Device, MOST_DEVICES, PublicKey, active_from},
    events::device as events,
    operations::App,
    store,
};

/// Keeps a device of the caller's with its event; the caller of this commits. The same key again is the same device.
pub(crate) async fn store_in_txn(
    app: &App,
    caller: &Caller,
    txn: &Txn,
    public_key: PublicKey,
    name: String,
) -> Result<Device, Error> {
    let (student_id, _) = caller.user()?;
    store::device::queue_up_in_txn(txn, student_id).await?;
    let before = store::device::of_student(&**txn, student_id).await?;
    if let Some(known) = before.iter().find(|device| device.public_key == public_key) {
        // A key that was given up does not come back.
        return if known.retired_at.is_some() {
            Err(Error::DeviceRetired)
        } else {
            Ok(known.clone())
        };
    }
    let in_use = before.iter().filter(|device| device.retired_at.is_none()).count();
    if in_use >= MOST_DEVICES {
        return Err(Error::TooManyDevices);
    }
    let now = app.clock.now();
    let waiting = chrono::Duration::hours(app.config.device_waiting_hours.into());
    let device = Device {
        id: app.clock.new_id(),
        student_id,
        name,
        public_key,
        active_from: active_from(now, before.len(), waiting),
        approved_by: None,
        retired_at: None,
        counter: 0,
        version: 1,
        created_at: now,
    };
    store::device::insert_in_txn(txn, &device).await?;
    outbox::add(txn, events::changed(&app.clock, caller, &device)).await?;
    Ok(device)
}
