//! What lists are searched by, folded: the same on every database, for letters of all alphabets.

use kit::db::run;
use sea_orm::{ConnectionTrait as _, FromQueryResult, Statement};
use sea_orm_migration::prelude::*;
use uuid::Uuid;

use crate::domain::{TicketNumber, folded};

pub(super) struct Migration;

/// So many rows are read at once.
const A_BATCH: usize = 500;

#[derive(FromQueryResult)]
struct TicketRow {
    id: Uuid,
    year: i32,
    number: i64,
    description: String,
    room_no: Option<String>,
}

#[derive(FromQueryResult)]
struct StudentRow {
    id: Uuid,
    registration_no: String,
    name: String,
}

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "grievance_0002_folded"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(
            manager,
            &[
                "ALTER TABLE ticket ADD COLUMN number_folded varchar NOT NULL DEFAULT ''",
                "ALTER TABLE ticket ADD COLUMN description_folded text NOT NULL DEFAULT ''",
                "ALTER TABLE ticket ADD COLUMN room_no_folded varchar",
                "ALTER TABLE student ADD COLUMN registration_no_folded varchar NOT NULL DEFAULT ''",
                "ALTER TABLE student ADD COLUMN name_folded varchar NOT NULL DEFAULT ''",
            ],
        )
        .await?;
        fold_tickets(manager).await?;
        fold_students(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(
            manager,
            &[
                "ALTER TABLE ticket DROP COLUMN number_folded",
                "ALTER TABLE ticket DROP COLUMN description_folded",
                "ALTER TABLE ticket DROP COLUMN room_no_folded",
                "ALTER TABLE student DROP COLUMN registration_no_folded",
                "ALTER TABLE student DROP COLUMN name_folded",
            ],
        )
        .await
    }
}

async fn fold_tickets(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let fold = "UPDATE ticket SET number_folded = $2, description_folded = $3, room_no_folded = $4 WHERE id = $1";
    let mut after = Uuid::nil();
    loop {
        let rows = TicketRow::find_by_statement(next(manager, "ticket", after))
            .all(manager.get_connection())
            .await?;
        for row in &rows {
            let number = TicketNumber {
                year: row.year,
                number: row.number,
            };
            let room_no = row.room_no.as_deref().map(folded);
            let values = [
                row.id.into(),
                folded(&number.to_string()).into(),
                folded(&row.description).into(),
                room_no.into(),
            ];
            let fold = Statement::from_sql_and_values(manager.get_database_backend(), fold, values);
            manager.get_connection().execute_raw(fold).await?;
        }
        match rows.last() {
            Some(last) if rows.len() == A_BATCH => after = last.id,
            _ => return Ok(()),
        }
    }
}

async fn fold_students(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let fold = "UPDATE student SET registration_no_folded = $2, name_folded = $3 WHERE id = $1";
    let mut after = Uuid::nil();
    loop {
        let rows = StudentRow::find_by_statement(next(manager, "student", after))
            .all(manager.get_connection())
            .await?;
        for row in &rows {
            let values = [
                row.id.into(),
                folded(&row.registration_no).into(),
                folded(&row.name).into(),
            ];
            let fold = Statement::from_sql_and_values(manager.get_database_backend(), fold, values);
            manager.get_connection().execute_raw(fold).await?;
        }
        match rows.last() {
            Some(last) if rows.len() == A_BATCH => after = last.id,
            _ => return Ok(()),
        }
    }
}

/// Some rows, in the order of their ids after one.
fn next(manager: &SchemaManager<'_>, table: &str, after: Uuid) -> Statement {
    let sql = format!("SELECT * FROM {table} WHERE id > $1 ORDER BY id LIMIT {A_BATCH}");
    Statement::from_sql_and_values(manager.get_database_backend(), sql, [after.into()])
}
