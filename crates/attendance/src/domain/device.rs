//! A phone that signs its scans.

use chrono::{DateTime, Duration, Utc};
use ed25519_dalek::VerifyingKey;
use uuid::Uuid;

/// A student has at most so many that are not retired.
pub const MOST_DEVICES: usize = 5;

/// A public key that signatures can be held against.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PublicKey([u8; 32]);

/// A device.
#[derive(Clone, Debug, PartialEq)]
pub struct Device {
    pub id: Uuid,
    pub student_id: Uuid,
    pub name: String,
    pub public_key: PublicKey,
    pub active_from: DateTime<Utc>,
    pub approved_by: Option<Uuid>,
    pub retired_at: Option<DateTime<Utc>>,
    /// Of the last scan that it signed.
    pub counter: u64,
    /// How many events were told of it.
    pub version: i64,
    pub created_at: DateTime<Utc>,
}

/// How a device stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DeviceState {
    Active,
    /// Its signatures count later.
    Waiting,
    Retired,
}

impl PublicKey {
    /// A key as Ed25519 makes them: a point of the curve in its one encoding, and not one of the few for which anybody can
    /// make signatures.
    pub fn parse(bytes: &[u8]) -> Result<Self, &'static str> {
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| "must be 32 bytes in base64")?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| "must be an Ed25519 public key")?;
        if key.is_weak() || !is_canonical(&bytes) {
            return Err("must be an Ed25519 public key that is safe to use");
        }
        Ok(Self(bytes))
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Whether the number that stands for the point is below 2^255 - 19: two texts of one key would be two devices.
fn is_canonical(bytes: &[u8; 32]) -> bool {
    let largest = bytes[31] & 0x7f == 0x7f && bytes[1..31].iter().all(|byte| *byte == 0xff);
    !(largest && bytes[0] >= 0xed)
}

impl Device {
    pub fn state_at(&self, now: DateTime<Utc>) -> DeviceState {
        if self.retired_at.is_some() {
            DeviceState::Retired
        } else if now < self.active_from {
            DeviceState::Waiting
        } else {
            DeviceState::Active
        }
    }
}

/// Since when the signatures of a new device count: of the first one at once, of any other after the waiting time. One that
/// was retired before counts, too, or retiring it would be the way around.
pub fn active_from(now: DateTime<Utc>, had_before: usize, waiting: Duration) -> DateTime<Utc> {
    if had_before == 0 { now } else { now + waiting }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;

    use super::*;

    #[test]
    fn keys_that_anybody_can_sign_for_are_refused() {
        // The identity, the point of order two, one of order four, and one of order eight.
        let mut order_eight = [0; 32];
        hex::decode_to_slice(
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
            &mut order_eight,
        )
        .unwrap();
        let mut identity = [0; 32];
        identity[0] = 1;
        let mut order_two = [0xff; 32];
        (order_two[0], order_two[31]) = (0xec, 0x7f);
        for weak in [identity, order_two, [0; 32], order_eight] {
            assert!(PublicKey::parse(&weak).is_err(), "{}", hex::encode(weak));
        }
    }

    #[test]
    fn only_points_in_their_one_encoding_are_keys() {
        let good = SigningKey::from_bytes(&[7; 32]).verifying_key().to_bytes();
        assert_eq!(PublicKey::parse(&good).unwrap().as_bytes(), &good);
        assert!(PublicKey::parse(&good[..31]).is_err());
        assert!(PublicKey::parse(&[&good[..], &[0]].concat()).is_err());
        // 2 is the y of no point.
        let mut nowhere = [0; 32];
        nowhere[0] = 2;
        assert!(PublicKey::parse(&nowhere).is_err());
        // y + p for a small y.
        for low in 0xed..=0xff {
            let mut large = [0xff; 32];
            (large[0], large[31]) = (low, 0x7f);
            assert!(PublicKey::parse(&large).is_err(), "{low:x}");
        }
    }

    #[test]
    fn only_the_first_one_is_good_at_once() {
        let now = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        let day = Duration::hours(24);
        assert_eq!(active_from(now, 0, day), now);
        assert_eq!(active_from(now, 1, day), now + day);
    }
}
