//! Events about devices, access points and flags.

use kit::{Clock, access::Caller, events::Draft};
use proto::attendance::{AccessPointsSet, BlockAccessPoints, DeviceChanged, FlagChanged};
use uuid::Uuid;

use super::SOURCE;
use crate::{
    domain::{Device, Flag},
    rpc::{convert_devices, convert_flags},
};

/// A device was registered, approved or retired.
pub(crate) fn changed(clock: &Clock, caller: &Caller, device: &Device) -> Draft {
    let event = DeviceChanged {
        device: Some(convert_devices::device(device, clock.now())),
    };
    Draft::new(clock, caller, SOURCE, device.id, device.version, &event)
}

/// The access points of a block were set.
pub(crate) fn access_points_set(
    clock: &Clock,
    caller: &Caller,
    (id, version): (Uuid, i64),
    block: BlockAccessPoints,
) -> Draft {
    let event = AccessPointsSet { block: Some(block) };
    Draft::new(clock, caller, SOURCE, id, version, &event)
}

/// Something looked odd, or somebody looked at it.
pub(crate) fn flag_changed(clock: &Clock, caller: &Caller, flag: &Flag) -> Draft {
    let event = FlagChanged {
        flag: Some(convert_flags::flag(flag)),
    };
    Draft::new(clock, caller, SOURCE, flag.id, flag.version, &event)
}
