//! Whether a scan was signed by a device of the student who sent it.
//!
//! A signed scan counts once: the counter of its device moves on in a conditional update that is committed before the scan is
//! stored. A scan that is refused afterwards has spent its counter; the phone signs its next try with the next one.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use kit::{Clock, Db};
use uuid::Uuid;

use crate::{
    Error,
    domain::{Device, DeviceState, SignedScan, Stamp, fits},
    store,
};

/// For so long the scans of a device are held against those that were made offline: twice as long as such scans are taken.
pub(crate) const HELD: chrono::Duration = chrono::Duration::hours(48);
const NOT_THEIRS: &str = "it is none of the student's devices";

/// What a scan says of its device.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Presented<'a> {
    pub device_id: Uuid,
    /// The device's signature, base64.
    pub signature: &'a str,
    pub scan: SignedScan<'a>,
}

/// A device that signed a scan, and the counter that it signed it with: for the row of the scan.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct DeviceProof {
    pub device_id: Uuid,
    pub counter: u64,
}

/// Holds a scan against the device that it names; `None` where it names none. Afterwards its counter is spent.
pub(crate) async fn check(
    db: &Db,
    clock: &Clock,
    student: Uuid,
    presented: Option<Presented<'_>>,
) -> Result<Option<DeviceProof>, Error> {
    let Some(presented) = presented else { return Ok(None) };
    let (scan, now) = (&presented.scan, clock.now());
    let device = signer(db, student, &presented, now).await?;
    if scan.counter <= device.counter {
        return Err(Error::DeviceMismatch("its counter was used before"));
    }
    let txn = db.begin().await?;
    if !store::device::count_in_txn(&txn, device.id, scan.counter).await? {
        return Err(Error::DeviceMismatch("its counter was used before"));
    }
    // It was made now, whatever the clock of the phone says.
    store::stamp::note_in_txn(&txn, device.id, scan, now, now).await?;
    txn.commit().await?;
    Ok(Some(proof(&presented)))
}

/// The same for a scan that was made offline. A counter below the last one is good as long as it fits between its neighbours;
/// the very scan, sent again after a lost answer, has the same result each time.
pub(crate) async fn check_late(
    db: &Db,
    clock: &Clock,
    student: Uuid,
    presented: Option<Presented<'_>>,
) -> Result<Option<DeviceProof>, Error> {
    let Some(presented) = presented else { return Ok(None) };
    let (scan, now) = (&presented.scan, clock.now());
    let device = signer(db, student, &presented, scan.scanned_at).await?;
    let txn = db.begin().await?;
    if !store::stamp::hold_in_txn(&txn, device.id).await? {
        return Err(Error::DeviceMismatch(NOT_THEIRS));
    }
    let others = store::stamp::others_in_txn(&txn, device.id, scan).await?;
    let stamp = Stamp {
        counter: scan.counter,
        scanned_at: scan.scanned_at,
    };
    if fits(stamp, scan.server_time, &others).is_err() {
        return Err(Error::DeviceMismatch("its counter and its times do not agree"));
    }
    store::stamp::note_in_txn(&txn, device.id, scan, scan.scanned_at, now).await?;
    // One that comes late moves nothing.
    store::device::count_in_txn(&txn, device.id, scan.counter).await?;
    txn.commit().await?;
    Ok(Some(proof(&presented)))
}

/// The device that signed, as long as its signatures counted then.
async fn signer(db: &Db, student: Uuid, presented: &Presented<'_>, at: DateTime<Utc>) -> Result<Device, Error> {
    let device = store::device::find_own(db.reader(), student, presented.device_id).await?;
    let device = device.ok_or(Error::DeviceMismatch(NOT_THEIRS))?;
    match device.state_at(at) {
        DeviceState::Active => {}
        DeviceState::Waiting => return Err(Error::DeviceMismatch("it waits for a warden")),
        DeviceState::Retired => return Err(Error::DeviceMismatch("it is retired")),
    }
    let signature = STANDARD.decode(presented.signature).unwrap_or_default();
    if !presented.scan.is_signed(&device.public_key, &signature) {
        return Err(Error::DeviceMismatch("its signature does not hold"));
    }
    Ok(device)
}

fn proof(presented: &Presented<'_>) -> DeviceProof {
    DeviceProof {
        device_id: presented.device_id,
        counter: presented.scan.counter,
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer as _, SigningKey};

    use super::*;
    use crate::{Migrator, domain::PublicKey};

    /// A student with a device, on a database of their own.
    struct Desk {
        db: Db,
        clock: Clock,
        key: SigningKey,
        device: Device,
        _folder: tempfile::TempDir,
    }

    impl Desk {
        async fn open() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let url = format!("sqlite://{}/attendance.db", folder.path().display());
            let db = Db::open(&url.parse().unwrap(), 2).await.unwrap();
            db.migrate::<Migrator>().await.unwrap();
            let clock = Clock::mock(DateTime::from_timestamp(1_795_000_000, 0).unwrap());
            let key = SigningKey::from_bytes(&[9; 32]);
            let device = Device {
                id: clock.new_id(),
                student_id: clock.new_id(),
                name: "A phone".to_owned(),
                public_key: PublicKey::parse(&key.verifying_key().to_bytes()).unwrap(),
                active_from: clock.now(),
                approved_by: None,
                retired_at: None,
                counter: 0,
                version: 1,
                created_at: clock.now(),
            };
            let txn = db.begin().await.unwrap();
            store::device::insert_in_txn(&txn, &device).await.unwrap();
            txn.commit().await.unwrap();
            Self {
                db,
                clock,
                key,
                device,
                _folder: folder,
            }
        }

        fn scan(&self, counter: u64, seconds: i64) -> SignedScan<'static> {
            SignedScan {
                token: "AQID",
                place: None,
                scanned_at: self.clock.now() + chrono::Duration::seconds(seconds),
                counter,
                server_time: None,
            }
        }

        fn sign(&self, scan: &SignedScan<'_>) -> String {
            STANDARD.encode(self.key.sign(&scan.bytes()).to_bytes())
        }

        /// What comes of a scan with this counter: the counter of the proof, or why not.
        async fn online(&self, counter: u64) -> Result<u64, String> {
            let scan = self.scan(counter, 0);
            self.present(self.device.student_id, scan, &self.sign(&scan)).await
        }

        async fn present(&self, student: Uuid, scan: SignedScan<'_>, signature: &str) -> Result<u64, String> {
            let presented = Presented {
                device_id: self.device.id,
                signature,
                scan,
            };
            said(check(&self.db, &self.clock, student, Some(presented)).await)
        }

        async fn late(&self, counter: u64, seconds: i64) -> Result<u64, String> {
            let scan = self.scan(counter, seconds);
            let signature = self.sign(&scan);
            let presented = Presented {
                device_id: self.device.id,
                signature: &signature,
                scan,
            };
            said(check_late(&self.db, &self.clock, self.device.student_id, Some(presented)).await)
        }
    }

    fn said(outcome: Result<Option<DeviceProof>, Error>) -> Result<u64, String> {
        match outcome {
            Ok(proof) => Ok(proof.unwrap().counter),
            Err(Error::DeviceMismatch(why)) => Err(why.to_owned()),
            Err(other) => panic!("{other}"),
        }
    }

    #[tokio::test]
    async fn a_counter_counts_once_and_upwards() {
        let desk = Desk::open().await;
        assert_eq!(desk.online(1).await, Ok(1));
        assert_eq!(desk.online(5).await, Ok(5));
        for used in [5, 4, 1, 0] {
            assert_eq!(
                desk.online(used).await.unwrap_err(),
                "its counter was used before",
                "{used}"
            );
        }
        let tries = (0..8).map(|_| desk.online(6));
        let at_once = futures_util::future::join_all(tries).await;
        assert_eq!(
            at_once.iter().filter(|outcome| outcome.is_ok()).count(),
            1,
            "{at_once:?}"
        );
        let nothing = check(&desk.db, &desk.clock, desk.device.student_id, None).await;
        assert_eq!(nothing.unwrap(), None);
    }

    #[tokio::test]
    async fn only_the_students_own_device_in_use_signs() {
        let desk = Desk::open().await;
        let scan = desk.scan(1, 0);
        let good = desk.sign(&scan);
        let why = async |student, scan, signature: &str| desk.present(student, scan, signature).await.unwrap_err();
        let own = desk.device.student_id;
        assert_eq!(
            why(desk.clock.new_id(), scan, &good).await,
            "it is none of the student's devices"
        );
        assert_eq!(why(own, desk.scan(2, 0), &good).await, "its signature does not hold");
        for broken in ["", "AAAA", "not base64"] {
            assert_eq!(why(own, scan, broken).await, "its signature does not hold");
        }
        let txn = desk.db.begin().await.unwrap();
        store::device::retire_in_txn(&txn, desk.device.id, desk.clock.now())
            .await
            .unwrap();
        txn.commit().await.unwrap();
        assert_eq!(why(own, scan, &good).await, "it is retired");
    }

    #[tokio::test]
    async fn a_device_that_waits_signs_when_its_time_has_come() {
        let desk = Desk::open().await;
        desk.clock.advance(chrono::Duration::seconds(-1));
        assert_eq!(desk.online(1).await.unwrap_err(), "it waits for a warden");
        desk.clock.advance(chrono::Duration::seconds(1));
        assert_eq!(desk.online(1).await, Ok(1));
    }

    #[tokio::test]
    async fn what_was_made_offline_fits_between_its_neighbours() {
        let desk = Desk::open().await;
        desk.clock.advance(chrono::Duration::seconds(900));
        assert_eq!(desk.online(9).await, Ok(9));
        desk.clock.advance(chrono::Duration::seconds(-900));
        assert_eq!(desk.late(5, 500).await, Ok(5));
        assert_eq!(desk.late(6, 600).await, Ok(6));
        // The very same once more, as after a lost answer.
        assert_eq!(desk.late(5, 500).await, Ok(5));
        for (counter, seconds) in [(5, 501), (4, 600), (7, 400), (8, 1000), (9, 901), (10, 800)] {
            let why = desk.late(counter, seconds).await.unwrap_err();
            assert_eq!(why, "its counter and its times do not agree", "{counter} {seconds}");
        }
        // It moves the counter on, never back.
        assert_eq!(desk.late(12, 1000).await, Ok(12));
        assert!(desk.online(12).await.is_err());
        assert_eq!(desk.online(13).await, Ok(13));
    }
}
