//! How many students there are of each kind. The database keeps count in the transaction of each change, so that the number
//! is right at any moment, whoever writes.

use kit::db::run;
use sea_orm::DbBackend;
use sea_orm_migration::prelude::*;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "students_0002_tally"
    }
}

const BEGIN: &str = "INSERT INTO student_tally SELECT state, year, semester, coalesce(block_folded, ''), count(*) \
                     FROM student WHERE state <> 'erased' GROUP BY 1, 2, 3, 4";
/// It was there to be counted.
const SPARE_INDEX: &str = "DROP INDEX ix_student_by_term";
const SPARE_INDEX_BACK: &str =
    "CREATE INDEX ix_student_by_term ON student (year, semester, state, block_folded) WHERE state <> 'erased'";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        match manager.get_database_backend() {
            DbBackend::Postgres => on_postgres(manager).await?,
            _ => on_sqlite(manager).await?,
        }
        // Behind the triggers: what others write meanwhile waits for them.
        run(manager, &[BEGIN, SPARE_INDEX]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let on_postgres = manager.get_database_backend() == DbBackend::Postgres;
        for change in ["insert", "update", "delete"] {
            let undo = if on_postgres {
                // The trigger goes with its function.
                format!("DROP FUNCTION student_tally_{change} CASCADE")
            } else {
                format!("DROP TRIGGER student_tally_{change}")
            };
            run(manager, &[&undo]).await?;
        }
        run(manager, &["DROP TABLE student_tally", SPARE_INDEX_BACK]).await
    }
}

/// There is one writer at a time, so there is one row of each kind.
async fn on_sqlite(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let kind = |of: &str| {
        format!(
            "state = {of}.state AND year = {of}.year AND semester = {of}.semester \
             AND block_folded = coalesce({of}.block_folded, '')"
        )
    };
    let (old, new) = (kind("OLD"), kind("NEW"));
    // Those who are erased are of no kind that is counted.
    let leave = format!("UPDATE student_tally SET number = number - 1 WHERE {old};");
    let arrive = format!(
        "INSERT INTO student_tally SELECT NEW.state, NEW.year, NEW.semester, coalesce(NEW.block_folded, ''), 0 \
         WHERE NEW.state <> 'erased' AND NOT EXISTS (SELECT 1 FROM student_tally WHERE {new}); \
         UPDATE student_tally SET number = number + 1 WHERE {new};"
    );
    run(
        manager,
        &[
            "CREATE TABLE student_tally (state text NOT NULL, year smallint NOT NULL, semester smallint NOT NULL, \
             block_folded text NOT NULL, number bigint NOT NULL CHECK (number >= 0), \
             PRIMARY KEY (state, year, semester, block_folded)) WITHOUT ROWID",
            &format!("CREATE TRIGGER student_tally_insert AFTER INSERT ON student BEGIN {arrive} END"),
            &format!(
                "CREATE TRIGGER student_tally_update AFTER UPDATE OF state, year, semester, block_folded ON student \
                 BEGIN {leave} {arrive} END"
            ),
            &format!("CREATE TRIGGER student_tally_delete AFTER DELETE ON student BEGIN {leave} END"),
        ],
    )
    .await
}

/// A kind may have several rows, whose sum counts: nobody waits for a row that another transaction is changing, so changes
/// stay side by side and cannot lock each other out. Each takes the rows of its kind that are free and leaves one for them.
async fn on_postgres(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = "CREATE TABLE student_tally (state varchar NOT NULL, year smallint NOT NULL, semester smallint NOT NULL, \
                 block_folded varchar COLLATE \"C\" NOT NULL, number bigint NOT NULL)";
    run(manager, &[table]).await?;
    let arrived = "SELECT state, year, semester, block_folded, 1 AS number FROM arrived";
    let left = "SELECT state, year, semester, block_folded, -1 AS number FROM departed";
    for (change, tables, rows) in [
        ("insert", "NEW TABLE AS arrived", arrived.to_owned()),
        (
            "update",
            "OLD TABLE AS departed NEW TABLE AS arrived",
            format!("{arrived} UNION ALL {left}"),
        ),
        ("delete", "OLD TABLE AS departed", left.to_owned()),
    ] {
        let function = format!(
            "CREATE FUNCTION student_tally_{change}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             WITH change AS ( \
                 SELECT state, year, semester, coalesce(block_folded, '') AS block_folded, sum(number) AS number \
                 FROM ({rows}) AS moved WHERE state <> 'erased' GROUP BY 1, 2, 3, 4 HAVING sum(number) <> 0 \
             ), taken AS ( \
                 DELETE FROM student_tally WHERE ctid = ANY (ARRAY( \
                     SELECT tally.ctid FROM student_tally AS tally \
                     JOIN change USING (state, year, semester, block_folded) FOR UPDATE OF tally SKIP LOCKED)) \
                 RETURNING state, year, semester, block_folded, number \
             ) \
             INSERT INTO student_tally SELECT state, year, semester, block_folded, sum(number) \
             FROM (SELECT * FROM change UNION ALL SELECT * FROM taken) AS counted \
             GROUP BY 1, 2, 3, 4 HAVING sum(number) <> 0; \
             RETURN NULL; END $$"
        );
        let trigger = format!(
            "CREATE TRIGGER student_tally_{change} AFTER {change} ON student REFERENCING {tables} \
             FOR EACH STATEMENT EXECUTE FUNCTION student_tally_{change}()"
        );
        run(manager, &[&function, &trigger]).await?;
    }
    Ok(())
}
