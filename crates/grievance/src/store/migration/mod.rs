//! The schema of this service's database.

mod m0001_tickets;
mod m0002_folded;

use sea_orm_migration::{MigrationTrait, MigratorTrait, SchemaManager, prelude::DbErr, sea_orm::ConnectionTrait as _};

/// Brings the database up to date.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut all = kit::db::migrations();
        all.push(Box::new(m0001_tickets::Migration));
        all.push(Box::new(m0002_folded::Migration));
        all
    }
}

async fn run(manager: &SchemaManager<'_>, statements: &[&str]) -> Result<(), DbErr> {
    for statement in statements {
        manager.get_connection().execute_unprepared(statement).await?;
    }
    Ok(())
}
