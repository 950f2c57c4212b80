//! Accounts that stand for records of another service.

use sea_orm_migration::{prelude::*, schema};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "auth_0003_records"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = [
            // Kept for a record to come since then: nobody's account yet.
            schema::timestamp_with_time_zone_null("reserved_at"),
            // The version of the record that it agreed with last.
            schema::big_integer_null("record_version"),
            // It was given an address or number for the next version of the record, which may never come.
            schema::boolean("is_ahead").default(false).take(),
            // Nothing tells any more who it was, for good.
            schema::timestamp_with_time_zone_null("erased_at"),
        ];
        for column in columns {
            let altered = Table::alter().table("user_account").add_column(column).to_owned();
            manager.alter_table(altered).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        for statement in [
            "DELETE FROM password_history WHERE user_id IN (SELECT id FROM user_account WHERE reserved_at IS NOT NULL)",
            "DELETE FROM user_account WHERE reserved_at IS NOT NULL",
            "ALTER TABLE user_account DROP COLUMN reserved_at",
            "ALTER TABLE user_account DROP COLUMN record_version",
            "ALTER TABLE user_account DROP COLUMN is_ahead",
            "ALTER TABLE user_account DROP COLUMN erased_at",
        ] {
            connection.execute_unprepared(statement).await?;
        }
        Ok(())
    }
}
