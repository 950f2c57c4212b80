//! Roll calls, marks, scans; copies of students, blocks and leaves; devices, access points, flags.

use kit::{copies, db::run};
use sea_orm::DbBackend;
use sea_orm_migration::{prelude::*, schema};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "attendance_0001_roll_calls"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        sessions(manager).await?;
        marks(manager).await?;
        scans(manager).await?;
        awaiting(manager).await?;
        changes(manager).await?;
        students(manager).await?;
        blocks(manager).await?;
        leaves(manager).await?;
        copies::create_table(manager).await?;
        devices(manager).await?;
        access_points(manager).await?;
        flags(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [
            "flag",
            "access_point",
            "access_block",
            "device",
            "copies_filled",
            "leave",
            "block",
            "student",
            "mark_change",
            "awaiting",
            "scan",
            "mark",
            "session",
        ] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

/// A block and year have one open roll call at a time: the database refuses a second.
async fn sessions(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table
        .table("session")
        .col(schema::pk_uuid("id"))
        .col(schema::binary("handle").unique_key())
        .col(schema::string("block"))
        .col(schema::string("block_folded"))
        .col(schema::small_integer("year"))
        .col(schema::date("day"))
        .col(schema::timestamp_with_time_zone("valid_from"))
        .col(schema::timestamp_with_time_zone("valid_until"))
        .col(schema::integer("rotate_seconds"))
        .col(schema::double("radius_meters"))
        .col(schema::string("require"))
        .col(schema::double_null("latitude"))
        .col(schema::double_null("longitude"))
        .col(schema::double_null("accuracy_meters"))
        .col(schema::uuid("opened_by"))
        .col(schema::timestamp_with_time_zone_null("closed_at"))
        .col(schema::string_null("closed_by"))
        .col(schema::timestamp_with_time_zone_null("settles_at"))
        .col(schema::timestamp_with_time_zone_null("settled_at"))
        .col(schema::big_integer("version"))
        .col(schema::timestamp_with_time_zone("changed_at"));
    manager.create_table(table).await?;
    run(
        manager,
        &[
            "CREATE UNIQUE INDEX session_one_open ON session (block_folded, year) WHERE closed_at IS NULL",
            "CREATE INDEX session_by_day ON session (day, block_folded, year)",
            "CREATE INDEX session_by_beginning ON session (valid_from, id)",
            "CREATE INDEX session_changed ON session (changed_at)",
            "CREATE INDEX session_unsettled ON session (settles_at) WHERE settled_at IS NULL",
        ],
    )
    .await
}

/// How each student stands in each roll call. One row a student and roll call: the database refuses a second.
async fn marks(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let columns = "day DATE NOT NULL, session_id UUID NOT NULL, student_id UUID NOT NULL, status VARCHAR(10) NOT NULL, \
                   source VARCHAR(10) NOT NULL, scan_id UUID, scanned_at TIMESTAMPTZ, distance_meters DOUBLE PRECISION, \
                   token BYTEA, marked_at TIMESTAMPTZ NOT NULL, PRIMARY KEY (day, session_id, student_id)";
    by_month(manager, "mark", columns).await?;
    run(manager, &["CREATE INDEX mark_of_student ON mark (student_id, day)"]).await
}

/// Every try, refused ones too. Nothing of a row changes but that its coordinates are taken out after some days.
async fn scans(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let columns = "id UUID NOT NULL, day DATE NOT NULL, session_id UUID, student_id UUID NOT NULL, outcome VARCHAR(16) NOT NULL, \
                   code VARCHAR(40), offline BOOLEAN NOT NULL, scanned_at TIMESTAMPTZ NOT NULL, \
                   received_at TIMESTAMPTZ NOT NULL, distance_meters DOUBLE PRECISION, accuracy_meters DOUBLE PRECISION, \
                   latitude DOUBLE PRECISION, longitude DOUBLE PRECISION, evidence TEXT NOT NULL, device_id UUID, \
                   device_counter BIGINT, token_counter BIGINT, PRIMARY KEY (day, id)";
    by_month(manager, "scan", columns).await?;
    run(
        manager,
        &[
            "CREATE INDEX scan_of_session ON scan (session_id, received_at)",
            "CREATE INDEX scan_of_student ON scan (student_id, received_at)",
            "CREATE INDEX scan_with_place ON scan (received_at) WHERE latitude IS NOT NULL",
        ],
    )
    .await
}

/// A table that lies by month on PostgreSQL.
async fn by_month(manager: &SchemaManager<'_>, table: &str, columns: &str) -> Result<(), DbErr> {
    let sql = if manager.get_database_backend() == DbBackend::Postgres {
        format!("CREATE TABLE {table} ({columns}) PARTITION BY RANGE (day)")
    } else {
        // The names by which the columns of the other tables go there.
        let columns = columns
            .replace(" UUID", " uuid_text")
            .replace(" TIMESTAMPTZ", " timestamp_with_timezone_text")
            .replace(" DATE", " date_text")
            .replace(" BYTEA", " blob");
        format!("CREATE TABLE {table} ({columns})")
    };
    run(manager, &[&sql]).await
}

/// Scans that wait for the guard's word.
async fn awaiting(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table
        .table("awaiting")
        .col(schema::pk_uuid("scan_id"))
        .col(schema::date("day"))
        .col(schema::uuid("session_id"))
        .col(schema::uuid("student_id"))
        .col(schema::timestamp_with_time_zone("asked_at"))
        .col(schema::string_null("verdict"))
        .col(schema::uuid_null("decided_by"))
        .col(schema::timestamp_with_time_zone_null("decided_at"));
    manager.create_table(table).await?;
    run(
        manager,
        &[
            "CREATE UNIQUE INDEX awaiting_one ON awaiting (session_id, student_id) WHERE decided_at IS NULL",
            "CREATE INDEX awaiting_of_session ON awaiting (session_id, asked_at)",
            "CREATE INDEX awaiting_by_day ON awaiting (day)",
        ],
    )
    .await
}

/// What changed marks beside scans.
async fn changes(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table
        .table("mark_change")
        .col(schema::pk_uuid("id"))
        .col(schema::date("day"))
        .col(schema::uuid("session_id"))
        .col(schema::uuid("student_id"))
        .col(schema::string_null("before"))
        .col(schema::string("after"))
        .col(schema::string("source"))
        .col(schema::text_null("reason"))
        .col(schema::uuid_null("author"))
        .col(schema::timestamp_with_time_zone("changed_at"));
    manager.create_table(table).await?;
    run(
        manager,
        &[
            "CREATE INDEX mark_change_of_mark ON mark_change (session_id, student_id, changed_at)",
            "CREATE INDEX mark_change_by_day ON mark_change (day)",
        ],
    )
    .await
}

async fn students(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table
        .table("student")
        .col(schema::pk_uuid("id"))
        .col(schema::big_integer("version"))
        .col(schema::string("registration_no"))
        .col(schema::string("name"))
        .col(schema::small_integer("year"))
        .col(schema::string_null("block_folded"))
        .col(schema::string_null("room_no"))
        .col(schema::boolean("active"))
        .col(schema::timestamp_with_time_zone("changed_at"));
    manager.create_table(table).await?;
    run(
        manager,
        &[
            "CREATE INDEX student_of_block ON student (block_folded, year)",
            "CREATE INDEX student_changed ON student (changed_at)",
        ],
    )
    .await
}

async fn blocks(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table
        .table("block")
        .col(ColumnDef::new("name_folded").string().not_null().primary_key())
        .col(schema::uuid("id"))
        .col(schema::big_integer("version"))
        .col(schema::string("name"))
        .col(schema::double_null("latitude"))
        .col(schema::double_null("longitude"))
        .col(schema::boolean("removed"));
    manager.create_table(table).await
}

/// Days on which an approved leave excuses a student.
async fn leaves(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table
        .table("leave")
        .col(schema::pk_uuid("id"))
        .col(schema::big_integer("version"))
        .col(schema::uuid("student_id"))
        .col(schema::date("from_date"))
        .col(schema::date("to_date"))
        .col(schema::boolean("approved"));
    manager.create_table(table).await?;
    run(
        manager,
        &["CREATE INDEX leave_of_student ON leave (student_id, from_date)"],
    )
    .await
}

async fn devices(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table
        .table("device")
        .col(schema::pk_uuid("id"))
        .col(schema::uuid("student_id"))
        .col(schema::string("name"))
        .col(schema::binary("public_key").unique_key())
        .col(schema::timestamp_with_time_zone("active_from"))
        .col(schema::uuid_null("approved_by"))
        .col(schema::timestamp_with_time_zone_null("retired_at"))
        .col(schema::big_integer("counter"))
        .col(schema::big_integer("version"))
        .col(schema::timestamp_with_time_zone("created_at"))
        .col(schema::timestamp_with_time_zone("changed_at"));
    manager.create_table(table).await?;
    run(
        manager,
        &[
            "CREATE INDEX device_of_student ON device (student_id, created_at)",
            "CREATE INDEX device_changed ON device (changed_at)",
        ],
    )
    .await
}

async fn access_points(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut blocks = Table::create();
    blocks
        .table("access_block")
        .col(ColumnDef::new("block_folded").string().not_null().primary_key())
        .col(schema::uuid("id"))
        .col(schema::string("block"))
        .col(schema::big_integer("version"))
        .col(schema::timestamp_with_time_zone("changed_at"));
    manager.create_table(blocks).await?;
    let mut table = Table::create();
    table
        .table("access_point")
        .col(schema::string("block_folded"))
        .col(schema::string("bssid"))
        .col(schema::string_null("label"))
        .primary_key(Index::create().col("block_folded").col("bssid"));
    manager.create_table(table).await
}

/// One flag of a kind, a roll call and what it is about.
async fn flags(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table
        .table("flag")
        .col(schema::pk_uuid("id"))
        .col(schema::string("kind"))
        .col(schema::uuid("session_id"))
        .col(schema::string("about"))
        .col(schema::text("student_ids"))
        .col(schema::text("detail"))
        .col(schema::timestamp_with_time_zone("raised_at"))
        .col(schema::string_null("verdict"))
        .col(schema::text_null("note"))
        .col(schema::uuid_null("reviewed_by"))
        .col(schema::timestamp_with_time_zone_null("reviewed_at"))
        .col(schema::big_integer("version"));
    manager.create_table(table).await?;
    run(
        manager,
        &[
            "CREATE UNIQUE INDEX flag_once ON flag (session_id, kind, about)",
            "CREATE INDEX flag_by_time ON flag (raised_at, id)",
        ],
    )
    .await
}
