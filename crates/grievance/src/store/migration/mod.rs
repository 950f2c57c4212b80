//! The schema of this service's database.

mod m0001_tickets;
mod m0002_folded;
mod m0003_stored_files;

use sea_orm_migration::{MigrationTrait, MigratorTrait};

/// Brings the database up to date.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut all = kit::db::migrations();
        all.push(Box::new(m0001_tickets::Migration));
        all.push(Box::new(m0002_folded::Migration));
        all.push(Box::new(m0003_stored_files::Migration));
        all
    }
}
