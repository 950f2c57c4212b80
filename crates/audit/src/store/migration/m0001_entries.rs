//! The entries and the head of their chain.

use sea_orm_migration::{prelude::*, schema};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "audit_0001_entries"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut table = Table::create();
        table
            .table("entry")
            .col(schema::big_integer("sequence").primary_key())
            .col(schema::uuid("id"))
            .col(schema::timestamp_with_time_zone("occurred_at"))
            .col(schema::string("actor_id"))
            .col(schema::string("actor_role"))
            .col(schema::string("action"))
            .col(schema::string("resource_type"))
            .col(schema::string("resource_id"))
            .col(schema::text_null("details"))
            .col(schema::string("salt"))
            .col(schema::string("digest"))
            .col(schema::string("hash"));
        manager.create_table(table).await?;
        let mut head = Table::create();
        head.table("chain_head")
            .col(schema::integer("id").primary_key())
            .col(schema::big_integer("entries"))
            .col(schema::string("hash"));
        manager.create_table(head).await?;
        let empty = format!(
            "INSERT INTO chain_head (id, entries, hash) VALUES (1, 0, '{}')",
            "0".repeat(64)
        );
        for statement in [
            "CREATE UNIQUE INDEX uq_entry_id ON entry (id)",
            "CREATE INDEX ix_entry_occurred_at ON entry (occurred_at, sequence)",
            "CREATE INDEX ix_entry_resource ON entry (resource_type, resource_id, occurred_at)",
            "CREATE INDEX ix_entry_actor ON entry (actor_id, occurred_at)",
            "CREATE INDEX ix_entry_action ON entry (action, occurred_at)",
            empty.as_str(),
        ] {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("chain_head").to_owned()).await?;
        manager.drop_table(Table::drop().table("entry").to_owned()).await
    }
}
