//! Pictures are written down where all services write down their files, and no longer have states of their own.

use kit::{db::run, files::kept};
use sea_orm_migration::prelude::*;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "grievance_0003_stored_files"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        kept::create_table(manager).await?;
        run(
            manager,
            &[
                "INSERT INTO stored_file (file_key, state, since) SELECT key, state, created_at FROM image",
                "DELETE FROM image WHERE state <> 'kept'",
                "DROP INDEX image_not_kept",
                "ALTER TABLE image DROP COLUMN state",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(
            manager,
            &[
                "ALTER TABLE image ADD COLUMN state varchar NOT NULL DEFAULT 'kept'",
                "CREATE INDEX image_not_kept ON image (created_at) WHERE state <> 'kept'",
                "DROP TABLE stored_file",
            ],
        )
        .await
    }
}
