//! Copies are filled once, however often it goes wrong before.

use std::sync::atomic::{AtomicU64, Ordering};

use kit::{
    Clock, Db,
    copies::{self, Copies, CopyError},
    testing::TestStores,
    upstream::Upstreams,
};
use sea_orm::DbErr;
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTrait, SchemaManager};
use tokio_util::sync::CancellationToken;

const COPIES: Copies = Copies::new(1, "things");

struct Schema;

impl MigratorTrait for Schema {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(Filled)]
    }
}

struct Filled;

impl MigrationName for Filled {
    fn name(&self) -> &'static str {
        "test_0001_filled"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Filled {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        copies::create_table(manager).await
    }
}

async fn fresh() -> (Db, TestStores) {
    let stores = TestStores::default();
    let url = stores.config().base.stores().unwrap().database_of("copies");
    let db = Db::open(&url, 4).await.unwrap();
    db.migrate::<Schema>().await.unwrap();
    (db, stores)
}

#[tokio::test]
async fn they_are_read_until_it_goes_well_and_then_no_more() {
    let (db, _stores) = fresh().await;
    let (clock, stop, tries) = (Clock::system(), CancellationToken::new(), AtomicU64::new(0));
    let read = || async {
        if tries.fetch_add(1, Ordering::SeqCst) == 0 {
            return Err(CopyError::Silent("things").into());
        }
        COPIES.note_filled(&db, &clock).await?;
        Ok(7)
    };
    COPIES.fill(&db, &stop, read).await;
    assert_eq!(tries.load(Ordering::SeqCst), 2);
    COPIES.fill(&db, &stop, read).await;
    assert_eq!(tries.load(Ordering::SeqCst), 2);
    // Other copies of the same service are others.
    let others = Copies::new(2, "other things");
    others.fill(&db, &stop, read).await;
    assert_eq!(tries.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn without_a_way_to_the_service_it_is_not_tried_again() {
    let (db, _stores) = fresh().await;
    let (stop, tries) = (CancellationToken::new(), AtomicU64::new(0));
    let read = || async {
        tries.fetch_add(1, Ordering::SeqCst);
        copies::way(&Upstreams::default(), "things")?;
        Ok(0)
    };
    COPIES.fill(&db, &stop, read).await;
    assert_eq!(tries.load(Ordering::SeqCst), 1);
    // At the next start there may be one.
    COPIES.fill(&db, &stop, read).await;
    assert_eq!(tries.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn nothing_is_tried_again_after_the_end() {
    let (db, _stores) = fresh().await;
    let (stop, tries) = (CancellationToken::new(), AtomicU64::new(0));
    let read = || async {
        tries.fetch_add(1, Ordering::SeqCst);
        stop.cancel();
        Err(CopyError::Silent("things").into())
    };
    COPIES.fill(&db, &stop, read).await;
    assert_eq!(tries.load(Ordering::SeqCst), 1);
}
