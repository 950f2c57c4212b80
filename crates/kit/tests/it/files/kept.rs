//! What is written down of objects agrees with what lies in the store, in the end.

use std::{sync::Arc, time::Duration};

use kit::{
    Clock, Db,
    files::{
        Body, Files, Key, Listed, Object,
        kept::{self, Tidied},
    },
    port::PortError,
    testing::TestStores,
};
use sea_orm::DbErr;
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTrait, SchemaManager};
use url::Url;

use super::{on_disk, streams::text};

/// A store that deletes everything but one object.
struct Stubborn(Arc<dyn Files>, Key);

#[async_trait::async_trait]
impl Files for Stubborn {
    async fn put(&self, key: &Key, content_type: &str, body: Body) -> Result<u64, PortError> {
        self.0.put(key, content_type, body).await
    }

    async fn get(&self, key: &Key) -> Result<Option<Object>, PortError> {
        self.0.get(key).await
    }

    async fn delete(&self, key: &Key) -> Result<(), PortError> {
        if *key == self.1 {
            return Err(PortError::Refused {
                port: "files",
                why: "this one stays".to_owned(),
            });
        }
        self.0.delete(key).await
    }

    async fn list(&self, prefix: &str, after: Option<&Key>, limit: usize) -> Result<Vec<Listed>, PortError> {
        self.0.list(prefix, after, limit).await
    }

    async fn signed_url(&self, key: &Key, file_name: &str, ttl: Duration) -> Result<Option<Url>, PortError> {
        self.0.signed_url(key, file_name, ttl).await
    }

    async fn ping(&self) -> Result<(), PortError> {
        self.0.ping().await
    }
}

struct Schema;

impl MigratorTrait for Schema {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(Kept)]
    }
}

struct Kept;

impl MigrationName for Kept {
    fn name(&self) -> &'static str {
        "test_0001_kept"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Kept {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        kept::create_table(manager).await
    }
}

#[tokio::test]
async fn an_object_that_cannot_be_deleted_keeps_no_other_back() {
    let stores = TestStores::default();
    let url = stores.config().base.stores().unwrap().database_of("kept");
    let db = Db::open(&url, 4).await.unwrap();
    db.migrate::<Schema>().await.unwrap();
    let (_folder, files) = on_disk().await;
    let clock = Clock::system();
    let mut keys: Vec<Key> = (0..5).map(|_| kept::random_key("papers/")).collect();
    keys.sort();
    let all: Vec<&Key> = keys.iter().collect();
    let txn = db.begin().await.unwrap();
    kept::announce_in_txn(&txn, &all, clock.now()).await.unwrap();
    assert!(kept::keep_in_txn(&txn, &all, clock.now()).await.unwrap());
    kept::doom_in_txn(&txn, &all[..4], clock.now()).await.unwrap();
    txn.commit().await.unwrap();
    for key in &keys {
        files.put(key, "text/plain", text("a paper")).await.unwrap();
    }
    let stubborn = Stubborn(files.clone(), keys[1].clone());
    let done = kept::tidy(&db, &stubborn, &clock).await.unwrap();
    assert_eq!(
        done,
        Tidied {
            abandoned: 0,
            deleted: 3
        }
    );
    for (place, key) in keys.iter().enumerate() {
        assert_eq!(
            files.get(key).await.unwrap().is_some(),
            [1, 4].contains(&place),
            "{place}"
        );
    }
    // It is tried again the next time, and what is kept stays.
    let done = kept::tidy(&db, &*files, &clock).await.unwrap();
    assert_eq!(
        done,
        Tidied {
            abandoned: 0,
            deleted: 1
        }
    );
    assert!(files.get(&keys[4]).await.unwrap().is_some());
}
