//! Refresh tokens, one-time codes, second factors, API keys, and what keeps sign-in safe.

use kit::db::run;
use sea_orm_migration::{prelude::*, schema};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "auth_0002_safety"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        accounts(manager).await?;
        refresh_tokens(manager).await?;
        codes_and_letters(manager).await?;
        second_factors(manager).await?;
        api_keys(manager).await?;
        setup_tokens(manager).await?;
        signing_keys(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [
            "setup_token",
            "api_key",
            "login_challenge",
            "recovery_code",
            "second_factor",
            "letter",
            "one_time_code",
            "password_history",
            "device",
        ] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        // A session without a refresh token of its own can only end.
        for statement in [
            "DELETE FROM refresh_token",
            "DELETE FROM session",
            "DROP TABLE refresh_token",
            "ALTER TABLE session ADD COLUMN refresh_hash varchar NOT NULL DEFAULT ''",
            "CREATE UNIQUE INDEX uq_session_refresh_hash ON session (refresh_hash)",
            "DROP INDEX ix_session_ended",
            "ALTER TABLE session DROP COLUMN end_reason",
            "ALTER TABLE session DROP COLUMN with_second_factor",
            "ALTER TABLE user_account DROP COLUMN failures",
            "ALTER TABLE user_account DROP COLUMN locked_until",
            "ALTER TABLE user_account DROP COLUMN password_changed_at",
            "ALTER TABLE user_account DROP COLUMN wrong_codes",
            "ALTER TABLE user_account DROP COLUMN wrong_codes_since",
            "ALTER TABLE signing_key DROP COLUMN signs_from",
            "ALTER TABLE signing_key DROP COLUMN verifies_until",
        ] {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        Ok(())
    }
}

async fn add(manager: &SchemaManager<'_>, table: &'static str, column: ColumnDef) -> Result<(), DbErr> {
    let altered = Table::alter().table(table).add_column(column).to_owned();
    manager.alter_table(altered).await
}

fn to_user(table: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .from(table, "user_id")
        .to("user_account", "id")
        .to_owned()
}

async fn accounts(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    add(manager, "user_account", schema::integer("failures").default(0).take()).await?;
    add(
        manager,
        "user_account",
        schema::timestamp_with_time_zone_null("locked_until").take(),
    )
    .await?;
    add(
        manager,
        "user_account",
        schema::timestamp_with_time_zone_null("password_changed_at").take(),
    )
    .await?;
    // How many one-time codes were guessed wrongly since when, whichever codes those were.
    add(
        manager,
        "user_account",
        schema::integer("wrong_codes").default(0).take(),
    )
    .await?;
    add(
        manager,
        "user_account",
        schema::timestamp_with_time_zone_null("wrong_codes_since").take(),
    )
    .await?;
    // Accounts of before count as changed when they last were.
    run(
        manager,
        &["UPDATE user_account SET password_changed_at = updated_at WHERE password_hash IS NOT NULL"],
    )
    .await?;

    let mut history = Table::create();
    history
        .table("password_history")
        .col(schema::pk_uuid("id"))
        .col(schema::uuid("user_id"))
        .col(schema::string("hash"))
        .col(schema::timestamp_with_time_zone("set_at"))
        .foreign_key(&mut to_user("password_history"));
    manager.create_table(history).await?;
    let mut device = Table::create();
    device
        .table("device")
        .col(schema::uuid("user_id"))
        .col(schema::string("fingerprint"))
        .col(schema::timestamp_with_time_zone("first_seen_at"))
        .col(schema::timestamp_with_time_zone("last_seen_at"))
        // How often signing in from it failed while the account was locked.
        .col(schema::integer("failed_while_locked").default(0))
        .primary_key(Index::create().col("user_id").col("fingerprint"))
        .foreign_key(&mut to_user("device"));
    manager.create_table(device).await?;
    run(
        manager,
        &[
            // The row of an account stands for its own history.
            "INSERT INTO password_history (id, user_id, hash, set_at)
             SELECT id, id, password_hash, updated_at FROM user_account WHERE password_hash IS NOT NULL",
            "CREATE INDEX ix_password_history_user ON password_history (user_id, set_at)",
        ],
    )
    .await
}

async fn refresh_tokens(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table
        .table("refresh_token")
        .col(schema::string("hash").primary_key())
        .col(schema::uuid("session_id"))
        .col(schema::timestamp_with_time_zone("issued_at"))
        .col(schema::timestamp_with_time_zone_null("spent_at"))
        .col(schema::string_null("successor_salt"))
        .foreign_key(
            ForeignKey::create()
                .from("refresh_token", "session_id")
                .to("session", "id"),
        );
    manager.create_table(table).await?;
    add(manager, "session", schema::string_null("end_reason").take()).await?;
    add(
        manager,
        "session",
        schema::boolean("with_second_factor").default(false).take(),
    )
    .await?;
    run(
        manager,
        &[
            "INSERT INTO refresh_token (hash, session_id, issued_at) SELECT refresh_hash, id, created_at FROM session",
            "DROP INDEX uq_session_refresh_hash",
            "ALTER TABLE session DROP COLUMN refresh_hash",
            "CREATE INDEX ix_refresh_token_session ON refresh_token (session_id)",
            "CREATE INDEX ix_session_ended ON session (ended_at) WHERE ended_at IS NOT NULL",
        ],
    )
    .await
}

async fn codes_and_letters(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut code = Table::create();
    // One row a user: whatever it is for, a new code replaces the one before.
    code.table("one_time_code")
        .col(schema::uuid("user_id").primary_key())
        .col(schema::string("purpose"))
        .col(schema::string("salt"))
        .col(schema::string("hash"))
        .col(schema::integer("tries_left"))
        .col(schema::timestamp_with_time_zone("created_at"))
        .col(schema::timestamp_with_time_zone("expires_at"))
        // How many codes were sent since when: new codes bring new tries, and those must not be without end.
        .col(schema::integer("sent"))
        .col(schema::timestamp_with_time_zone("sent_since"))
        .foreign_key(&mut to_user("one_time_code"));
    manager.create_table(code).await?;
    let mut letter = Table::create();
    letter
        .table("letter")
        .col(schema::pk_uuid("id"))
        .col(schema::string("kind"))
        // One of the two: a letter to somebody who is known, or to whoever is found under what was typed in.
        .col(schema::uuid_null("user_id"))
        .col(schema::string_null("identifier"))
        .col(schema::text("context"))
        .col(schema::integer("tries"))
        .col(schema::timestamp_with_time_zone("created_at"))
        .col(schema::timestamp_with_time_zone("not_before"));
    manager.create_table(letter).await?;
    run(
        manager,
        &[
            "CREATE INDEX ix_letter_not_before ON letter (not_before)",
            // One letter of a kind waits, however often it is asked for.
            "CREATE UNIQUE INDEX uq_letter_identifier ON letter (kind, identifier) WHERE identifier IS NOT NULL",
            "CREATE UNIQUE INDEX uq_letter_invitation ON letter (user_id) WHERE kind = 'invitation'",
        ],
    )
    .await
}

async fn second_factors(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut factor = Table::create();
    factor
        .table("second_factor")
        .col(schema::uuid("user_id").primary_key())
        // In use; null while the first one waits for its confirmation.
        .col(schema::string_null("secret"))
        // The last time step whose code was used.
        .col(schema::big_integer("last_step"))
        // Waits to be confirmed.
        .col(schema::string_null("new_secret"))
        .col(schema::timestamp_with_time_zone_null("confirmed_at"))
        // When codes were wrong lately, in microseconds since 1970, the oldest first.
        .col(schema::text("wrong_codes").default(""))
        .foreign_key(&mut to_user("second_factor"));
    manager.create_table(factor).await?;
    let mut recovery = Table::create();
    recovery
        .table("recovery_code")
        .col(schema::uuid("user_id"))
        .col(schema::string("hash"))
        .primary_key(Index::create().col("user_id").col("hash"))
        .foreign_key(&mut to_user("recovery_code"));
    manager.create_table(recovery).await?;
    let mut challenge = Table::create();
    challenge
        .table("login_challenge")
        .col(schema::string("hash").primary_key())
        .col(schema::uuid("user_id"))
        .col(schema::integer("tries_left"))
        // How often a new authenticator app may be asked for.
        .col(schema::integer("set_ups_left"))
        .col(schema::timestamp_with_time_zone("created_at"))
        .col(schema::timestamp_with_time_zone("expires_at"))
        .foreign_key(&mut to_user("login_challenge"));
    manager.create_table(challenge).await?;
    run(
        manager,
        &["CREATE INDEX ix_login_challenge_expires ON login_challenge (expires_at)"],
    )
    .await
}

async fn api_keys(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table
        .table("api_key")
        .col(schema::pk_uuid("id"))
        .col(schema::uuid("owner_id"))
        .col(schema::string("name"))
        .col(schema::string("prefix"))
        .col(schema::string("hash"))
        .col(schema::string("role"))
        // Networks, one a line; empty for anywhere.
        .col(schema::text("allowed_ips"))
        .col(schema::big_integer("version"))
        .col(schema::timestamp_with_time_zone("created_at"))
        .col(schema::timestamp_with_time_zone("expires_at"))
        .col(schema::timestamp_with_time_zone_null("last_used_at"))
        // When it was last refused at a wrong address, and somebody was told.
        .col(schema::timestamp_with_time_zone_null("last_refused_at"))
        .col(schema::timestamp_with_time_zone_null("revoked_at"))
        .foreign_key(
            ForeignKey::create()
                .from("api_key", "owner_id")
                .to("user_account", "id"),
        );
    manager.create_table(table).await?;
    run(
        manager,
        &[
            "CREATE UNIQUE INDEX uq_api_key_hash ON api_key (hash)",
            "CREATE INDEX ix_api_key_owner ON api_key (owner_id, created_at)",
            "CREATE INDEX ix_api_key_revoked ON api_key (revoked_at) WHERE revoked_at IS NOT NULL",
        ],
    )
    .await
}

async fn setup_tokens(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table
        .table("setup_token")
        .col(schema::string("hash").primary_key())
        .col(schema::timestamp_with_time_zone("expires_at"));
    manager.create_table(table).await
}

async fn signing_keys(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    add(
        manager,
        "signing_key",
        schema::timestamp_with_time_zone_null("signs_from").take(),
    )
    .await?;
    add(
        manager,
        "signing_key",
        schema::timestamp_with_time_zone_null("verifies_until").take(),
    )
    .await
}
