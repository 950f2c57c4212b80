//! What is sealed at rest follows the keys of the installation.

use kit::keyring::{Keyring, MasterKeys, Rotated};
use students::Config;

use crate::{
    hostel::{ADDRESS, Hostel, PARENT_PHONE, PHONE},
    trail::until,
};

impl Hostel {
    /// What is sealed of each student, and the version of the record.
    async fn sealed(&self) -> Vec<(Vec<u8>, i64)> {
        let rows = self.rows("SELECT private, version FROM student ORDER BY id").await;
        let both =
            |row: &sea_orm::QueryResult| (row.try_get("", "private").unwrap(), row.try_get("", "version").unwrap());
        rows.iter().map(both).collect()
    }
}

#[tokio::test]
async fn after_a_rotation_everything_is_sealed_anew_and_says_the_same() {
    let hostel = Hostel::open().await;
    for number in 1..=3 {
        hostel.register(number).await;
    }
    let asha = hostel.register(4).await;
    let before = hostel.sealed().await;
    let ring = |hostel: &Hostel| {
        let keys = MasterKeys::of(&hostel.world.stores.config().base).unwrap();
        Keyring::open(keys).unwrap()
    };
    let Rotated::Done { key_id, .. } = ring(&hostel).rotate().unwrap() else {
        panic!("the keys lie in a file")
    };
    assert!(before.iter().all(|(sealed, _)| !contains(sealed, key_id.as_bytes())));

    let stores = hostel.world.stop().await;
    let hostel = Hostel::open_on(stores, hostel.auth, Config::default()).await;
    let after = until("everything is sealed with the new key", async || {
        let sealed = hostel.sealed().await;
        sealed
            .iter()
            .all(|(sealed, _)| contains(sealed, key_id.as_bytes()))
            .then_some(sealed)
    })
    .await;
    let versions = |rows: &[(Vec<u8>, i64)]| rows.iter().map(|(_, version)| *version).collect::<Vec<_>>();
    assert_eq!(versions(&after), versions(&before), "nobody's record changed");
    let now = hostel.get(&asha.id).await.unwrap();
    assert_eq!((now.phone.as_str(), now.parent_phone.as_str()), (PHONE, PARENT_PHONE));
    assert_eq!(now.address.as_deref(), Some(ADDRESS));
    assert_eq!(now, asha);
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
