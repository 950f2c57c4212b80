//! Limits and letters: whom requests of one student are counted by, and which letters were given up.

use sea_orm_migration::{prelude::*, schema};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "leave_0002_askers"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut askers = Table::create();
        askers.table("asker").col(schema::pk_uuid("student_id"));
        manager.create_table(askers).await?;
        let mut links = Table::alter();
        links
            .table("guardian_link")
            .add_column(schema::timestamp_with_time_zone_null("failed_at"));
        manager.alter_table(links).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut links = Table::alter();
        links.table("guardian_link").drop_column("failed_at");
        manager.alter_table(links).await?;
        manager.drop_table(Table::drop().table("asker").to_owned()).await
    }
}
