//! What a device signs of a scan, and whether a signature holds.

use chrono::{DateTime, Duration, Utc};
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest as _, Sha256};

use super::PublicKey;

/// Stands before everything that is signed, so that no signature of another protocol can be taken for one of a scan.
const PURPOSE: &[u8] = b"hostelpulse.attendance.scan.v1\0";
/// How far the clocks of a phone and the server may be apart.
const SLACK: Duration = Duration::minutes(1);

/// What a device signs of a scan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SignedScan<'a> {
    /// The text of the code; empty where digits were typed instead.
    pub token: &'a str,
    pub place: Option<SignedPlace>,
    /// When the code was read, by the phone's clock.
    pub scanned_at: DateTime<Utc>,
    /// How many scans the device signed, this one included.
    pub counter: u64,
    /// The last time of the server that the phone learned.
    pub server_time: Option<DateTime<Utc>>,
}

/// Where the phone is, as it says in the same request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SignedPlace {
    pub latitude: f64,
    pub longitude: f64,
    pub accuracy_meters: Option<f64>,
}

impl SignedScan<'_> {
    /// The bytes that are signed. Numbers are big-endian, each optional part has a byte before it that says whether it is
    /// there, and the text has its length before it: no two scans have the same bytes.
    ///
    /// `docs/attendance-device.md` says the same for those who write apps.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(PURPOSE.len() + self.token.len() + 60);
        bytes.extend_from_slice(PURPOSE);
        bytes.extend_from_slice(&u32::try_from(self.token.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend_from_slice(self.token.as_bytes());
        let place = self.place.map(|place| {
            let fixed = [place.latitude.to_be_bytes(), place.longitude.to_be_bytes()].concat();
            [fixed, optional(place.accuracy_meters.map(f64::to_be_bytes))].concat()
        });
        bytes.extend(optional(place));
        bytes.extend_from_slice(&self.scanned_at.timestamp_micros().to_be_bytes());
        bytes.extend_from_slice(&self.counter.to_be_bytes());
        bytes.extend(optional(self.server_time.map(|at| at.timestamp_micros().to_be_bytes())));
        bytes
    }

    /// Tells scans from one another.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.bytes()).into()
    }

    /// Whether this is the device's signature of the scan. Strict: of all equations that could be checked the one that holds
    /// for nobody but the key's owner.
    pub fn is_signed(&self, key: &PublicKey, signature: &[u8]) -> bool {
        let Ok(signature) = Signature::from_slice(signature) else {
            return false;
        };
        VerifyingKey::from_bytes(key.as_bytes()).is_ok_and(|key| key.verify_strict(&self.bytes(), &signature).is_ok())
    }
}

fn optional(part: Option<impl AsRef<[u8]>>) -> Vec<u8> {
    match part {
        None => vec![0],
        Some(part) => [&[1], part.as_ref()].concat(),
    }
}

/// Why a scan that was made offline cannot have been made when it says.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ClockTrouble {
    #[error("the phone knew a later time of the server")]
    BeforeServerTime,
    #[error("the device signed another scan with this counter")]
    CounterUsed,
    #[error("the device's counters and times are in different orders")]
    OutOfOrder,
}

/// A scan that the same device signed, by what orders them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Stamp {
    pub counter: u64,
    pub scanned_at: DateTime<Utc>,
}

/// Whether a scan that was made offline fits what else its device signed: not before the last time of the server that the
/// phone knew, its counter its own, and the order by counter the order by time,
/// as far as the clocks of phones and the server agree.
pub fn fits(scan: Stamp, server_time: Option<DateTime<Utc>>, others: &[Stamp]) -> Result<(), ClockTrouble> {
    if server_time.is_some_and(|known| scan.scanned_at < known - SLACK) {
        return Err(ClockTrouble::BeforeServerTime);
    }
    for other in others {
        if other.counter == scan.counter {
            return Err(ClockTrouble::CounterUsed);
        }
        let came_first = other.counter < scan.counter;
        let in_order = if came_first {
            other.scanned_at <= scan.scanned_at + SLACK
        } else {
            other.scanned_at + SLACK >= scan.scanned_at
        };
        if !in_order {
            return Err(ClockTrouble::OutOfOrder);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer as _, SigningKey};
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_000_000 + seconds, 0).unwrap()
    }

    fn scan() -> SignedScan<'static> {
        SignedScan {
            token: "AQIDBA",
            place: Some(SignedPlace {
                latitude: 28.6139,
                longitude: 77.209,
                accuracy_meters: Some(4.5),
            }),
            scanned_at: at(0),
            counter: 7,
            server_time: Some(at(-10)),
        }
    }

    /// The test vector of the documentation.
    #[test]
    fn the_bytes_and_the_signature_are_those_of_the_documentation() {
        let key = SigningKey::from_bytes(&[1; 32]);
        let words = include_str!("../../../../docs/attendance-device.md");
        for shown in [
            hex::encode(key.verifying_key().to_bytes()),
            hex::encode(scan().bytes()),
            hex::encode(key.sign(&scan().bytes()).to_bytes()),
        ] {
            assert!(words.contains(&shown), "the documentation does not have {shown}");
        }
        assert!(scan().is_signed(
            &PublicKey::parse(&key.verifying_key().to_bytes()).unwrap(),
            &key.sign(&scan().bytes()).to_bytes()
        ));
    }

    #[test]
    fn every_part_is_signed() {
        let key = SigningKey::from_bytes(&[2; 32]);
        let public = PublicKey::parse(&key.verifying_key().to_bytes()).unwrap();
        let signature = key.sign(&scan().bytes()).to_bytes();
        let place = scan().place.unwrap();
        let moved = |place| SignedScan {
            place: Some(place),
            ..scan()
        };
        let others = [
            SignedScan {
                token: "AQIDBB",
                ..scan()
            },
            SignedScan { place: None, ..scan() },
            moved(SignedPlace {
                latitude: 28.61391,
                ..place
            }),
            moved(SignedPlace {
                longitude: 77.2091,
                ..place
            }),
            moved(SignedPlace {
                accuracy_meters: None,
                ..place
            }),
            SignedScan {
                scanned_at: at(1),
                ..scan()
            },
            SignedScan { counter: 8, ..scan() },
            SignedScan {
                server_time: None,
                ..scan()
            },
            SignedScan {
                server_time: Some(at(-11)),
                ..scan()
            },
        ];
        assert!(scan().is_signed(&public, &signature));
        for other in others {
            assert!(!other.is_signed(&public, &signature), "{other:?}");
        }
        for length in [0, 63, 65] {
            assert!(!scan().is_signed(&public, &vec![0; length]));
        }
    }

    #[test]
    fn counters_and_times_have_one_order() {
        let stamp = |counter, seconds| Stamp {
            counter,
            scanned_at: at(seconds),
        };
        let others = [stamp(4, 100), stamp(8, 300)];
        assert_eq!(fits(stamp(6, 200), None, &others), Ok(()));
        assert_eq!(fits(stamp(6, 40), None, &others), Ok(()));
        assert_eq!(fits(stamp(9, 300), None, &others), Ok(()));
        assert_eq!(fits(stamp(8, 300), None, &others), Err(ClockTrouble::CounterUsed));
        assert_eq!(fits(stamp(6, 39), None, &others), Err(ClockTrouble::OutOfOrder));
        assert_eq!(fits(stamp(6, 361), None, &others), Err(ClockTrouble::OutOfOrder));
        assert_eq!(fits(stamp(9, 239), None, &others), Err(ClockTrouble::OutOfOrder));
        // A phone whose clock was set back knows better by what the server told it.
        assert_eq!(fits(stamp(9, 300), Some(at(360)), &others), Ok(()));
        assert_eq!(
            fits(stamp(9, 300), Some(at(361)), &others),
            Err(ClockTrouble::BeforeServerTime)
        );
    }

    proptest! {
        #[test]
        fn different_scans_have_different_bytes(
            one in any::<(String, Option<f64>, Option<f64>, u64, Option<i32>)>(),
            other in any::<(String, Option<f64>, Option<f64>, u64, Option<i32>)>(),
        ) {
            type Parts = (String, Option<f64>, Option<f64>, u64, Option<i32>);
            let bytes = |(token, latitude, accuracy_meters, counter, server): &Parts| {
                SignedScan {
                    token,
                    place: latitude.map(|latitude| SignedPlace { latitude, longitude: latitude, accuracy_meters: *accuracy_meters }),
                    scanned_at: at(0),
                    counter: *counter,
                    server_time: server.map(|seconds| at(seconds.into())),
                }
                .bytes()
            };
            let same = |one: &Parts, other: &Parts| {
                let bits = |number: Option<f64>| number.map(f64::to_bits);
                one.0 == other.0
                    && bits(one.1) == bits(other.1)
                    && (one.1.is_none() || bits(one.2) == bits(other.2))
                    && (one.3, one.4) == (other.3, other.4)
            };
            prop_assert_eq!(bytes(&one) == bytes(&other), same(&one, &other));
            prop_assert_eq!(bytes(&one), bytes(&one.clone()));
        }
    }
}
