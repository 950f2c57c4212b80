//! Blocks, rooms, students, stays, documents.

use kit::db::run;
use sea_orm::DbBackend;
use sea_orm_migration::{prelude::*, schema};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "students_0001_records"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        blocks(manager).await?;
        rooms(manager).await?;
        students(manager).await?;
        words(manager).await?;
        stays(manager).await?;
        intents(manager).await?;
        documents(manager).await?;
        files(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [
            "stored_file",
            "document",
            "account_intent",
            "stay",
            "student_word",
            "student",
            "room",
            "block",
        ] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

async fn blocks(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table
        .table("block")
        .col(schema::pk_uuid("id"))
        .col(schema::string("name"))
        .col(schema::string("name_folded").unique_key())
        .col(schema::double_null("latitude"))
        .col(schema::double_null("longitude"))
        .col(schema::big_integer("version"))
        .col(schema::timestamp_with_time_zone("created_at"))
        .col(schema::timestamp_with_time_zone("updated_at"));
    manager.create_table(table).await
}

/// Nobody lives in a room beyond its capacity: the database refuses.
async fn rooms(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table
        .table("room")
        .col(schema::pk_uuid("id"))
        .col(schema::uuid("block_id"))
        .col(schema::string("block"))
        .col(schema::string("room_no"))
        .col(schema::string("room_no_folded"))
        .col(schema::integer("floor"))
        .col(schema::integer("capacity").check(Expr::col("capacity").gte(1)))
        .col(schema::integer("occupied").check(Expr::cust("occupied >= 0 AND occupied <= capacity")))
        .col(schema::big_integer("version"))
        .col(schema::timestamp_with_time_zone("created_at"))
        .col(schema::timestamp_with_time_zone("updated_at"))
        .foreign_key(ForeignKey::create().from("room", "block_id").to("block", "id"));
    manager.create_table(table).await?;
    run(
        manager,
        &[
            "CREATE UNIQUE INDEX uq_room_number ON room (block_id, room_no_folded)",
            "CREATE INDEX ix_room_number ON room (room_no_folded, id)",
        ],
    )
    .await
}

async fn students(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table
        .table("student")
        .col(schema::pk_uuid("id"))
        .col(schema::string("registration_no"))
        .col(schema::string("registration_no_folded"))
        .col(schema::string("email"))
        .col(schema::string("email_folded"))
        .col(schema::string("name"))
        .col(schema::string("name_folded"))
        .col(schema::binary("private"))
        .col(schema::small_integer("year"))
        .col(schema::small_integer("semester"))
        .col(schema::uuid_null("room_id"))
        .col(schema::string_null("block_folded"))
        .col(schema::string("state").check(Expr::col("state").is_in(["active", "deactivated", "erased"])))
        .col(schema::big_integer("version"))
        .col(schema::timestamp_with_time_zone("created_at"))
        .col(schema::timestamp_with_time_zone("updated_at"))
        .foreign_key(ForeignKey::create().from("student", "room_id").to("room", "id"));
    manager.create_table(table).await?;
    if manager.get_database_backend() == DbBackend::Postgres {
        // Sorted the same everywhere, and fast.
        let by_bytes = "ALTER TABLE student ALTER COLUMN name_folded TYPE varchar COLLATE \"C\", \
                        ALTER COLUMN registration_no_folded TYPE varchar COLLATE \"C\", \
                        ALTER COLUMN block_folded TYPE varchar COLLATE \"C\"";
        run(manager, &[by_bytes]).await?;
    }
    run(
        manager,
        &[
            // Lists read these alone: sorted as they are, with every column that is filtered by.
            "CREATE INDEX ix_student_by_name ON student \
             (name_folded, id, state, year, semester, block_folded, room_id) WHERE state <> 'erased'",
            "CREATE INDEX ix_student_by_registration_no ON student \
             (registration_no_folded, id, state, year, semester, block_folded, room_id) WHERE state <> 'erased'",
            "CREATE INDEX ix_student_by_created_at ON student \
             (created_at, id, state, year, semester, block_folded, room_id) WHERE state <> 'erased'",
            // And these are small.
            "CREATE INDEX ix_student_by_term ON student (year, semester, state, block_folded) WHERE state <> 'erased'",
            "CREATE INDEX ix_student_by_block ON student (block_folded, state, year, semester) \
             WHERE state <> 'erased' AND block_folded IS NOT NULL",
            "CREATE UNIQUE INDEX uq_student_registration_no ON student (registration_no_folded)",
            "CREATE UNIQUE INDEX uq_student_email ON student (email_folded)",
            "CREATE INDEX ix_student_room ON student (room_id) WHERE room_id IS NOT NULL",
        ],
    )
    .await
}

/// The words by whose beginnings students are found. Compared byte by byte, so that a range of the index is a beginning.
async fn words(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    // On SQLite the id is declared as it is in the table of students: else the two are compared without an index.
    let on_postgres = manager.get_database_backend() == DbBackend::Postgres;
    let (by_bytes, id, in_order) = if on_postgres {
        ("COLLATE \"C\"", "uuid", "")
    } else {
        ("", "uuid_text", "WITHOUT ROWID")
    };
    let table = format!(
        "CREATE TABLE student_word (word text {by_bytes} NOT NULL, student_id {id} NOT NULL \
         REFERENCES student (id), shared smallint NOT NULL, PRIMARY KEY (word, student_id)) {in_order}"
    );
    run(
        manager,
        &[
            &table,
            "CREATE INDEX ix_student_word_student ON student_word (student_id, word)",
        ],
    )
    .await?;
    if on_postgres {
        // On SQLite the table itself is such an index.
        let first = "CREATE INDEX ix_student_word_first ON student_word (word, shared, student_id)";
        run(manager, &[first]).await?;
    }
    Ok(())
}

/// Who lived where, and when. The room's name is kept beside: the room may be gone one day.
async fn stays(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table
        .table("stay")
        .col(schema::pk_uuid("id"))
        .col(schema::uuid("student_id"))
        .col(schema::uuid("room_id"))
        .col(schema::string("room_no"))
        .col(schema::string("block"))
        .col(schema::timestamp_with_time_zone("moved_in_at"))
        .col(schema::timestamp_with_time_zone_null("moved_out_at"))
        .foreign_key(ForeignKey::create().from("stay", "student_id").to("student", "id"));
    manager.create_table(table).await?;
    run(
        manager,
        &[
            "CREATE UNIQUE INDEX uq_stay_present ON stay (student_id) WHERE moved_out_at IS NULL",
            "CREATE INDEX ix_stay_student ON stay (student_id, moved_in_at)",
            "CREATE INDEX ix_stay_room ON stay (room_id, moved_in_at)",
        ],
    )
    .await
}

/// Records whose account is reserved in auth and not yet, or not again, in agreement with them. One at a time for a student:
/// whoever gives up would give back what another has just reserved.
async fn intents(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table
        .table("account_intent")
        .col(schema::pk_uuid("id"))
        .col(schema::uuid("student_id").unique_key())
        .col(schema::string_null("request_key").unique_key())
        .col(schema::timestamp_with_time_zone("begun_at"))
        .col(schema::timestamp_with_time_zone_null("abandoned_at"));
    manager.create_table(table).await?;
    run(
        manager,
        &["CREATE INDEX ix_account_intent_begun_at ON account_intent (begun_at)"],
    )
    .await
}

async fn documents(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table
        .table("document")
        .col(schema::pk_uuid("id"))
        .col(schema::uuid("student_id"))
        .col(schema::string("doc_type"))
        .col(schema::string("file_name"))
        .col(schema::string("content_type"))
        .col(schema::big_integer("size"))
        .col(schema::string("sha256"))
        .col(schema::string("file_key").unique_key())
        .col(schema::string_null("thumbnail_key").unique_key())
        .col(schema::big_integer_null("thumbnail_size"))
        .col(schema::string_null("thumbnail_sha256"))
        .col(schema::uuid_null("added_by"))
        .col(schema::timestamp_with_time_zone("created_at"))
        .col(schema::timestamp_with_time_zone_null("missing_since"))
        .foreign_key(ForeignKey::create().from("document", "student_id").to("student", "id"));
    manager.create_table(table).await?;
    run(
        manager,
        &[
            "CREATE INDEX ix_document_student ON document (student_id, created_at)",
            "CREATE UNIQUE INDEX uq_document_photo ON document (student_id) WHERE doc_type = 'photo'",
        ],
    )
    .await
}

/// Every object in the file store that is this service's: written down before the object is, and until it is gone.
async fn files(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    kit::files::kept::create_table(manager).await?;
    run(
        manager,
        &["CREATE INDEX ix_document_missing ON document (id) WHERE missing_since IS NOT NULL"],
    )
    .await
}
