//! Tickets and their numbers, pictures, comments, pauses and changes; copies of students and of those who work in the hostel.

use kit::{copies, db::run};
use sea_orm_migration::{prelude::*, schema};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "grievance_0001_tickets"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        numbers(manager).await?;
        tickets(manager).await?;
        pauses(manager).await?;
        changes(manager).await?;
        comments(manager).await?;
        images(manager).await?;
        students(manager).await?;
        people(manager).await?;
        copies::create_table(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [
            "copies_filled",
            "person",
            "student",
            "image",
            "comment",
            "change",
            "pause",
            "ticket",
            "ticket_number",
        ] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

/// The last number of each year.
async fn numbers(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table
        .table("ticket_number")
        .col(ColumnDef::new("year").integer().not_null().primary_key())
        .col(schema::big_integer("last"));
    manager.create_table(table).await
}

/// A number is given once: the database refuses a second.
async fn tickets(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table
        .table("ticket")
        .col(schema::pk_uuid("id"))
        .col(schema::integer("year"))
        .col(schema::big_integer("number"))
        .col(schema::big_integer("version"))
        .col(schema::uuid("student_id"))
        .col(schema::string_null("block"))
        .col(schema::string_null("room_no"))
        .col(schema::string("category"))
        .col(schema::string_null("sub_category"))
        .col(schema::small_integer("priority"))
        .col(schema::text("description"))
        .col(schema::boolean("sensitive"))
        .col(schema::string("status"))
        .col(schema::timestamp_with_time_zone_null("waiting_since"))
        .col(schema::string_null("resumes"))
        .col(schema::uuid_null("resolved_by"))
        .col(schema::timestamp_with_time_zone_null("resolved_at"))
        .col(schema::text_null("resolution_comments"))
        .col(schema::timestamp_with_time_zone_null("closed_at"))
        .col(schema::uuid_null("merged_into"))
        .col(schema::timestamp_with_time_zone_null("merged_at"))
        .col(schema::uuid_null("assigned_to"))
        .col(schema::timestamp_with_time_zone("clock_from"))
        .col(schema::timestamp_with_time_zone_null("due_at"))
        .col(schema::timestamp_with_time_zone_null("overdue_at"))
        .col(schema::small_integer("escalation"))
        .col(schema::timestamp_with_time_zone_null("escalated_at"))
        .col(schema::timestamp_with_time_zone_null("first_response_at"))
        .col(schema::small_integer_null("rating"))
        .col(schema::text_null("rating_comment"))
        .col(schema::timestamp_with_time_zone_null("rated_at"))
        .col(schema::timestamp_with_time_zone("created_at"))
        .col(schema::timestamp_with_time_zone("updated_at"));
    manager.create_table(table).await?;
    run(
        manager,
        &[
            "CREATE UNIQUE INDEX ticket_numbered ON ticket (year, number)",
            "CREATE INDEX ticket_of_student ON ticket (student_id, created_at)",
            "CREATE INDEX ticket_of_staff ON ticket (assigned_to, created_at) WHERE assigned_to IS NOT NULL",
            "CREATE INDEX ticket_by_time ON ticket (created_at, id)",
            "CREATE INDEX ticket_by_status ON ticket (status, created_at)",
            "CREATE INDEX ticket_due ON ticket (due_at) WHERE due_at IS NOT NULL",
            "CREATE INDEX ticket_resolved ON ticket (resolved_at) WHERE status = 'resolved'",
            "CREATE INDEX ticket_merged ON ticket (merged_into) WHERE merged_into IS NOT NULL",
            "CREATE INDEX ticket_of_room ON ticket (block, room_no, created_at)",
        ],
    )
    .await
}

/// Times that a ticket waited for the student: one at a time.
async fn pauses(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table
        .table("pause")
        .col(schema::pk_uuid("id"))
        .col(schema::uuid("ticket_id"))
        .col(schema::timestamp_with_time_zone("began_at"))
        .col(schema::timestamp_with_time_zone_null("ended_at"));
    manager.create_table(table).await?;
    run(
        manager,
        &[
            "CREATE INDEX pause_of_ticket ON pause (ticket_id, began_at)",
            "CREATE UNIQUE INDEX pause_one ON pause (ticket_id) WHERE ended_at IS NULL",
        ],
    )
    .await
}

/// Every change of every field; only added to.
async fn changes(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table
        .table("change")
        .col(schema::pk_uuid("id"))
        .col(schema::uuid("ticket_id"))
        .col(schema::string("field"))
        .col(schema::text_null("before"))
        .col(schema::text_null("after"))
        .col(schema::uuid_null("author"))
        .col(schema::string("author_role"))
        .col(schema::boolean("internal"))
        .col(schema::timestamp_with_time_zone("changed_at"));
    manager.create_table(table).await?;
    run(
        manager,
        &["CREATE INDEX change_of_ticket ON change (ticket_id, changed_at, id)"],
    )
    .await
}

async fn comments(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table
        .table("comment")
        .col(schema::pk_uuid("id"))
        .col(schema::uuid("ticket_id"))
        .col(schema::uuid("author"))
        .col(schema::string("author_role"))
        .col(schema::text("text"))
        .col(schema::boolean("internal"))
        .col(schema::timestamp_with_time_zone("created_at"));
    manager.create_table(table).await?;
    run(
        manager,
        &["CREATE INDEX comment_of_ticket ON comment (ticket_id, created_at, id)"],
    )
    .await
}

/// Pictures. A row is there before its object, as `arriving`, and goes after it, as `doomed`: no object is ever forgotten.
async fn images(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table
        .table("image")
        .col(schema::pk_uuid("id"))
        .col(schema::uuid("ticket_id"))
        .col(schema::string("key").unique_key())
        .col(schema::string("state"))
        .col(schema::string("media_type"))
        .col(schema::big_integer("size"))
        .col(schema::integer("width"))
        .col(schema::integer("height"))
        .col(schema::binary("sha256"))
        .col(schema::timestamp_with_time_zone("created_at"));
    manager.create_table(table).await?;
    run(
        manager,
        &[
            "CREATE INDEX image_of_ticket ON image (ticket_id, created_at, id)",
            "CREATE INDEX image_not_kept ON image (created_at) WHERE state <> 'kept'",
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
        .col(schema::string_null("block"))
        .col(schema::string_null("room_no"))
        .col(schema::boolean("active"));
    manager.create_table(table).await
}

/// Accounts that are no students'.
async fn people(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table
        .table("person")
        .col(schema::pk_uuid("id"))
        .col(schema::big_integer("version"))
        .col(schema::string("name"))
        .col(schema::string("role"))
        .col(schema::boolean("active"));
    manager.create_table(table).await
}
