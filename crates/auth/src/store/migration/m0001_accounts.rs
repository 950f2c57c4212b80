//! Users, sessions, signing keys.

use sea_orm_migration::{prelude::*, schema};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "auth_0001_accounts"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        users(manager).await?;
        sessions(manager).await?;
        signing_keys(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["signing_key", "session", "user_account"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

async fn users(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table
        .table("user_account")
        .col(schema::pk_uuid("id"))
        .col(schema::string("email"))
        .col(schema::string("email_folded"))
        .col(schema::string("name"))
        .col(schema::string("name_folded"))
        .col(
            schema::string("role")
                .check(Expr::col("role").is_in(["student", "warden", "guard", "staff", "teacher", "admin"])),
        )
        .col(schema::string_null("registration_no"))
        .col(schema::string_null("registration_no_folded"))
        .col(schema::string_null("password_hash"))
        .col(schema::boolean("is_active"))
        .col(schema::big_integer("version"))
        .col(schema::timestamp_with_time_zone("created_at"))
        .col(schema::timestamp_with_time_zone("updated_at"))
        .col(schema::timestamp_with_time_zone_null("last_login_at"));
    manager.create_table(table).await?;
    for statement in [
        "CREATE UNIQUE INDEX uq_user_email ON user_account (email_folded)",
        "CREATE UNIQUE INDEX uq_user_registration_no ON user_account (registration_no_folded)",
        "CREATE INDEX ix_user_created_at ON user_account (created_at, id)",
        "CREATE INDEX ix_user_name ON user_account (name_folded, id)",
        "CREATE INDEX ix_user_active_admin ON user_account (id) WHERE role = 'admin' AND is_active",
    ] {
        manager.get_connection().execute_unprepared(statement).await?;
    }
    Ok(())
}

async fn sessions(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table
        .table("session")
        .col(schema::pk_uuid("id"))
        .col(schema::uuid("user_id"))
        .col(schema::string("refresh_hash"))
        .col(schema::string_null("ip"))
        .col(schema::string_null("user_agent"))
        .col(schema::timestamp_with_time_zone("created_at"))
        .col(schema::timestamp_with_time_zone("last_used_at"))
        .col(schema::timestamp_with_time_zone("expires_at"))
        .col(schema::timestamp_with_time_zone_null("ended_at"))
        .foreign_key(ForeignKey::create().from("session", "user_id").to("user_account", "id"));
    manager.create_table(table).await?;
    for statement in [
        "CREATE UNIQUE INDEX uq_session_refresh_hash ON session (refresh_hash)",
        "CREATE INDEX ix_session_user ON session (user_id) WHERE ended_at IS NULL",
    ] {
        manager.get_connection().execute_unprepared(statement).await?;
    }
    Ok(())
}

async fn signing_keys(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table
        .table("signing_key")
        .col(schema::string("kid").primary_key())
        .col(schema::string("seed"))
        .col(schema::boolean("is_signing"))
        .col(schema::timestamp_with_time_zone("created_at"));
    manager.create_table(table).await?;
    // Of several processes that start on an empty database one makes the first key.
    let one_signs = "CREATE UNIQUE INDEX uq_signing_key_signing ON signing_key (is_signing) WHERE is_signing";
    manager.get_connection().execute_unprepared(one_signs).await?;
    Ok(())
}
