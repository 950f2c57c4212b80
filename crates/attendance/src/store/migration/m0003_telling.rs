//! What is known of marks that scans made until they are told: they may be told some time after they are stored.

use kit::db::run;
use sea_orm_migration::prelude::*;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "attendance_0003_telling"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // What is there already was told when it was stored.
        run(
            manager,
            &[
                "ALTER TABLE session ADD COLUMN told_version BIGINT NOT NULL DEFAULT 0",
                "ALTER TABLE mark ADD COLUMN version BIGINT NOT NULL DEFAULT 0",
                "ALTER TABLE mark ADD COLUMN retracts_absence BOOLEAN NOT NULL DEFAULT FALSE",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(
            manager,
            &[
                "ALTER TABLE mark DROP COLUMN retracts_absence",
                "ALTER TABLE mark DROP COLUMN version",
                "ALTER TABLE session DROP COLUMN told_version",
            ],
        )
        .await
    }
}
