//! Devices and access points as messages.

use std::collections::btree_map::{BTreeMap, Entry};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use kit::{Fault, clock::timestamp};
use proto::attendance::{self as message, AccessPoint, BlockAccessPoints, ListDevicesRequest, RegisterDeviceRequest};

use super::convert;
use crate::{
    domain::{Bssid, Device, DeviceState, KnownPoint, PublicKey},
    store::device::Filter,
};

/// Most characters of what a device is called.
const LONGEST_NAME: usize = 100;

pub(super) fn registration(request: &RegisterDeviceRequest) -> Result<(PublicKey, String), Fault> {
    let bytes = STANDARD.decode(request.public_key.trim());
    let bytes = bytes.map_err(|_| Fault::invalid("public_key", "must be 32 bytes in base64"))?;
    let key = PublicKey::parse(&bytes).map_err(|why| Fault::invalid("public_key", why))?;
    let name = request.name.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.contains(char::is_control) {
        return Err(Fault::invalid("name", "must be one line of 1 to 100 characters"));
    }
    Ok((key, name.to_owned()))
}

pub(super) fn filter(request: &ListDevicesRequest) -> Result<Filter, Fault> {
    let student = request.student_id.as_deref();
    let state = match request.state.map(|_| request.state()) {
        None | Some(message::DeviceState::Unspecified) => None,
        Some(message::DeviceState::Active) => Some(DeviceState::Active),
        Some(message::DeviceState::Waiting) => Some(DeviceState::Waiting),
        Some(message::DeviceState::Retired) => Some(DeviceState::Retired),
    };
    Ok(Filter {
        student: student.map(|id| convert::id("student_id", id)).transpose()?,
        state,
    })
}

pub(crate) fn device(device: &Device, now: DateTime<Utc>) -> message::Device {
    let state = match device.state_at(now) {
        DeviceState::Active => message::DeviceState::Active,
        DeviceState::Waiting => message::DeviceState::Waiting,
        DeviceState::Retired => message::DeviceState::Retired,
    };
    message::Device {
        id: device.id.to_string(),
        student_id: device.student_id.to_string(),
        name: device.name.clone(),
        public_key: STANDARD.encode(device.public_key.as_bytes()),
        state: state.into(),
        active_from: Some(timestamp(device.active_from)),
        created_at: Some(timestamp(device.created_at)),
        retired_at: device.retired_at.map(timestamp),
        counter: device.counter,
    }
}

/// The access points of a request; each that is wrong is named by its place in the list.
pub(super) fn known_points(points: &[AccessPoint]) -> Result<Vec<KnownPoint>, Fault> {
    let mut fields = kit::fault::Fields::default();
    let mut known: BTreeMap<Bssid, (usize, KnownPoint)> = BTreeMap::new();
    for (index, point) in points.iter().enumerate() {
        let field = format!("access_points[{index}].bssid");
        let Some(bssid) = fields.take(&field, Bssid::parse(&point.bssid)) else {
            continue;
        };
        let label = point.label.as_deref().map(str::trim).filter(|label| !label.is_empty());
        let label = label.map(str::to_owned);
        match known.entry(bssid) {
            Entry::Vacant(place) => {
                place.insert((index, KnownPoint { bssid, label }));
            }
            Entry::Occupied(first) => {
                let (first, _) = first.get();
                fields.wrong(&field, format!("is the same as access_points[{first}].bssid"));
            }
        }
    }
    if fields.is_empty() {
        Ok(known.into_values().map(|(_, point)| point).collect())
    } else {
        Err(fields.fault())
    }
}

pub(crate) fn block_points(block: String, points: &[KnownPoint]) -> BlockAccessPoints {
    let point = |point: &KnownPoint| AccessPoint {
        bssid: point.bssid.to_string(),
        label: point.label.clone(),
    };
    BlockAccessPoints {
        block,
        access_points: points.iter().map(point).collect(),
    }
}
