//! A phone that signs its scans, made from what the page for those who write apps says of it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use ed25519_dalek::{Signer as _, SigningKey};
use kit::clock::timestamp;
use prost_types::Timestamp;
use proto::{
    attendance::{Device, ListDevicesRequest, RegisterDeviceRequest, ScanRequest},
    options::Role,
};

use crate::gate::{Gate, Pupil, told};

/// A phone whose key is registered.
pub(crate) struct Phone {
    pub id: String,
    key: SigningKey,
}

impl Phone {
    /// A student registers it; the same number is the same key.
    pub(crate) async fn register(gate: &Gate, pupil: &Pupil, number: u8) -> Self {
        let key = SigningKey::from_bytes(&[number; 32]);
        let request = RegisterDeviceRequest {
            public_key: STANDARD.encode(key.verifying_key().to_bytes()),
            name: format!("Phone {number}"),
        };
        let device = told(gate.devices().register_device(gate.by_student(pupil, request)).await).unwrap();
        Self { id: device.id, key }
    }

    /// The scan as this phone sends it, read at a time.
    pub(crate) fn sign(&self, scan: ScanRequest, counter: u64, at: DateTime<Utc>) -> ScanRequest {
        self.sign_as_it_is(ScanRequest {
            scanned_at: Some(timestamp(at)),
            counter: Some(counter),
            ..scan
        })
    }

    /// Signs what the scan says already.
    pub(crate) fn sign_as_it_is(&self, scan: ScanRequest) -> ScanRequest {
        let signature = self.key.sign(&bytes(&scan)).to_bytes();
        ScanRequest {
            device_id: Some(self.id.clone()),
            signature: Some(STANDARD.encode(signature)),
            ..scan
        }
    }

    /// As its student sees it.
    pub(crate) async fn shown(&self, gate: &Gate, pupil: &Pupil) -> Device {
        let request = gate.of(pupil.id, Role::Student, ListDevicesRequest::default());
        let devices = told(gate.devices().list_devices(request).await).unwrap().devices;
        devices.into_iter().find(|device| device.id == self.id).unwrap()
    }
}

fn bytes(scan: &ScanRequest) -> Vec<u8> {
    let token = scan.qr_token.as_bytes();
    let place = scan.location.as_ref().map(|fix| {
        let point = [fix.latitude.unwrap(), fix.longitude.unwrap()].map(f64::to_be_bytes);
        [point.concat(), optional(fix.accuracy_meters.map(f64::to_be_bytes))].concat()
    });
    [
        b"hostelpulse.attendance.scan.v1\0".to_vec(),
        u32::try_from(token.len()).unwrap().to_be_bytes().to_vec(),
        token.to_vec(),
        optional(place),
        microseconds(scan.scanned_at.unwrap()).to_vec(),
        scan.counter.unwrap().to_be_bytes().to_vec(),
        optional(scan.server_time.map(microseconds)),
    ]
    .concat()
}

fn optional(part: Option<impl AsRef<[u8]>>) -> Vec<u8> {
    part.map_or(vec![0], |part| [&[1], part.as_ref()].concat())
}

fn microseconds(at: Timestamp) -> [u8; 8] {
    (at.seconds * 1_000_000 + i64::from(at.nanos) / 1000).to_be_bytes()
}
