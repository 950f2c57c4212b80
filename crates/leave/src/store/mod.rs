//! Every query of this service. What a caller may see is decided in `leave::visible_to`, where every read for a caller starts.

pub(crate) mod day;
pub(crate) mod decision;
pub(crate) mod document;
mod entity;
pub(crate) mod guardian;
pub(crate) mod guardian_link;
pub(crate) mod leave;
mod migration;
pub(crate) mod movement;
pub(crate) mod privacy;
pub(crate) mod sealed;
pub(crate) mod student;

use sea_orm::{ConnectionTrait, DbErr, Statement, Value};

pub use migration::Migrator;

fn statement(db: &impl ConnectionTrait, sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
    Statement::from_sql_and_values(db.get_database_backend(), sql, values)
}

/// How many rows it was about.
async fn execute(db: &impl ConnectionTrait, sql: &str, values: impl IntoIterator<Item = Value>) -> Result<u64, DbErr> {
    Ok(db.execute_raw(statement(db, sql, values)).await?.rows_affected())
}
