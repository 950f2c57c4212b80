//! Every query of this service. What a caller may see is decided in `ticket::visible_to`, where every read for a caller starts.

pub(crate) mod change;
pub(crate) mod comment;
mod entity;
pub(crate) mod filled;
pub(crate) mod image;
mod migration;
pub(crate) mod number;
pub(crate) mod pause;
pub(crate) mod person;
pub(crate) mod privacy;
pub(crate) mod student;
pub(crate) mod ticket;

use sea_orm::{ConnectionTrait, DbErr, Statement, Value};

pub use migration::Migrator;

fn statement(db: &impl ConnectionTrait, sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
    Statement::from_sql_and_values(db.get_database_backend(), sql, values)
}

/// How many rows it was about.
async fn execute(db: &impl ConnectionTrait, sql: &str, values: impl IntoIterator<Item = Value>) -> Result<u64, DbErr> {
    Ok(db.execute_raw(statement(db, sql, values)).await?.rows_affected())
}
