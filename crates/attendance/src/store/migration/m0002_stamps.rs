//! What devices signed lately, noted where the database decides who uses a counter.

use kit::db::run;
use sea_orm_migration::{prelude::*, schema};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "attendance_0002_stamps"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut table = Table::create();
        table
            .table("device_stamp")
            .col(schema::uuid("device_id"))
            .col(schema::big_integer("counter"))
            .col(schema::timestamp_with_time_zone("scanned_at"))
            .col(schema::binary("digest"))
            .col(schema::timestamp_with_time_zone("noted_at"))
            .primary_key(Index::create().col("device_id").col("counter"));
        manager.create_table(table).await?;
        run(
            manager,
            &["CREATE INDEX device_stamp_by_age ON device_stamp (noted_at)"],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("device_stamp").to_owned()).await
    }
}
