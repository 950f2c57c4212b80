//! Leaves and their days, decisions, guardians, movements, documents; copies of students.

use kit::{copies, db::run};
use sea_orm_migration::{prelude::*, schema};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "leave_0001_leaves"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        leaves(manager).await?;
        days(manager).await?;
        decisions(manager).await?;
        guardians(manager).await?;
        guardian_links(manager).await?;
        movements(manager).await?;
        documents(manager).await?;
        kit::files::kept::create_table(manager).await?;
        students(manager).await?;
        copies::create_table(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [
            "copies_filled",
            "student",
            "stored_file",
            "document",
            "movement",
            "guardian_link",
            "guardian",
            "decision",
            "leave_day",
            "leave",
        ] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

async fn leaves(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table
        .table("leave")
        .col(schema::pk_uuid("id"))
        .col(schema::big_integer("version"))
        .col(schema::uuid("student_id"))
        .col(schema::string("leave_type"))
        .col(schema::date("from_date"))
        .col(schema::date("to_date").check(Expr::cust("to_date >= from_date")))
        .col(schema::date("asked_to"))
        .col(schema::binary("details"))
        .col(schema::boolean("retroactive"))
        .col(schema::uuid_null("extends"))
        .col(schema::uuid("root_id"))
        .col(schema::string("chain"))
        .col(schema::string("state").check(Expr::col("state").is_in(["pending", "approved", "rejected", "cancelled"])))
        .col(schema::small_integer("step"))
        .col(schema::uuid_null("decided_by"))
        .col(schema::timestamp_with_time_zone_null("decided_at"))
        .col(schema::uuid_null("cancelled_by"))
        .col(schema::timestamp_with_time_zone_null("cancelled_at"))
        .col(
            schema::string("guardian_state")
                .check(Expr::col("guardian_state").is_in(["none", "asked", "approved", "refused"])),
        )
        .col(schema::timestamp_with_time_zone_null("guardian_at"))
        .col(schema::boolean("document_required"))
        .col(schema::timestamp_with_time_zone("asked_at"))
        .col(schema::timestamp_with_time_zone("changed_at"));
    manager.create_table(table).await?;
    run(
        manager,
        &[
            "CREATE INDEX leave_by_asking ON leave (asked_at, id)",
            "CREATE INDEX leave_of_student ON leave (student_id, asked_at)",
            "CREATE INDEX leave_by_days ON leave (from_date, to_date, state)",
            "CREATE INDEX leave_by_state ON leave (state, asked_at)",
            "CREATE INDEX leave_of_chain ON leave (root_id, from_date)",
        ],
    )
    .await
}

/// Who is away on which day, or asked to be: one leave a student and day, the database refuses a second.
async fn days(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table
        .table("leave_day")
        .col(schema::uuid("student_id"))
        .col(schema::date("day"))
        .col(schema::uuid("leave_id"))
        .primary_key(Index::create().col("student_id").col("day"))
        .foreign_key(ForeignKey::create().from("leave_day", "leave_id").to("leave", "id"));
    manager.create_table(table).await?;
    run(
        manager,
        &["CREATE INDEX leave_day_of_leave ON leave_day (leave_id, day)"],
    )
    .await
}

/// What approvers decided: one decision a leave and step, the database refuses a second.
async fn decisions(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table
        .table("decision")
        .col(schema::pk_uuid("id"))
        .col(schema::uuid("leave_id"))
        .col(schema::small_integer("step"))
        .col(schema::string("verdict").check(Expr::col("verdict").is_in(["approved", "rejected"])))
        .col(schema::uuid("decided_by"))
        .col(schema::string("role"))
        .col(schema::binary_null("comments"))
        .col(schema::boolean("without_guardian"))
        .col(schema::timestamp_with_time_zone("decided_at"))
        .foreign_key(ForeignKey::create().from("decision", "leave_id").to("leave", "id"));
    manager.create_table(table).await?;
    run(
        manager,
        &["CREATE UNIQUE INDEX decision_one ON decision (leave_id, step)"],
    )
    .await
}

/// Where guardians are written to.
async fn guardians(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table
        .table("guardian")
        .col(schema::pk_uuid("student_id"))
        .col(schema::binary("email"))
        .col(schema::uuid("set_by"))
        .col(schema::timestamp_with_time_zone("set_at"))
        .col(schema::big_integer("version"));
    manager.create_table(table).await
}

/// One-time links to guardians. The letter with one is sent from here: until then the token lies sealed beside its hash.
async fn guardian_links(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table
        .table("guardian_link")
        .col(schema::pk_uuid("id"))
        .col(schema::uuid("leave_id"))
        .col(schema::uuid("student_id"))
        .col(schema::string("token_hash").unique_key())
        .col(schema::binary_null("letter"))
        .col(schema::timestamp_with_time_zone("created_at"))
        .col(schema::timestamp_with_time_zone("expires_at"))
        .col(schema::timestamp_with_time_zone_null("used_at"))
        .col(schema::timestamp_with_time_zone_null("sent_at"))
        .col(schema::integer("tries"))
        .col(schema::timestamp_with_time_zone("not_before"))
        .foreign_key(ForeignKey::create().from("guardian_link", "leave_id").to("leave", "id"));
    manager.create_table(table).await?;
    run(
        manager,
        &[
            "CREATE INDEX guardian_link_of_leave ON guardian_link (leave_id)",
            "CREATE INDEX guardian_link_of_student ON guardian_link (student_id)",
            "CREATE INDEX guardian_link_unsent ON guardian_link (not_before) WHERE letter IS NOT NULL",
            "CREATE INDEX guardian_link_expiry ON guardian_link (expires_at)",
        ],
    )
    .await
}

/// Who left on which leave, and who is back: one row a chain of leaves. `out_until` is the last day of all that are granted.
async fn movements(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table
        .table("movement")
        .col(schema::pk_uuid("root_id"))
        .col(schema::uuid("student_id"))
        .col(schema::timestamp_with_time_zone("departed_at"))
        .col(schema::uuid("departed_by"))
        .col(schema::date("out_until"))
        .col(schema::timestamp_with_time_zone_null("returned_at"))
        .col(schema::uuid_null("returned_by"))
        .col(schema::boolean("is_late"))
        .col(schema::timestamp_with_time_zone_null("overdue_told_at"))
        .foreign_key(ForeignKey::create().from("movement", "root_id").to("leave", "id"));
    manager.create_table(table).await?;
    run(
        manager,
        &[
            "CREATE INDEX movement_out ON movement (out_until, root_id) WHERE returned_at IS NULL",
            "CREATE INDEX movement_of_student ON movement (student_id)",
            "CREATE UNIQUE INDEX movement_one_out ON movement (student_id) WHERE returned_at IS NULL",
        ],
    )
    .await
}

/// One document a leave.
async fn documents(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table
        .table("document")
        .col(schema::pk_uuid("id"))
        .col(schema::uuid("leave_id").unique_key())
        .col(schema::uuid("student_id"))
        .col(schema::string("file_name"))
        .col(schema::string("content_type"))
        .col(schema::big_integer("size"))
        .col(schema::string("sha256"))
        .col(schema::string("file_key").unique_key())
        .col(schema::uuid_null("added_by"))
        .col(schema::timestamp_with_time_zone("created_at"))
        .foreign_key(ForeignKey::create().from("document", "leave_id").to("leave", "id"));
    manager.create_table(table).await?;
    run(manager, &["CREATE INDEX document_of_student ON document (student_id)"]).await
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
        .col(schema::string_null("block"))
        .col(schema::string_null("block_folded"))
        .col(schema::string_null("room_no"))
        .col(schema::boolean("active"));
    manager.create_table(table).await?;
    run(
        manager,
        &["CREATE INDEX student_of_block ON student (block_folded) WHERE block_folded IS NOT NULL"],
    )
    .await
}
