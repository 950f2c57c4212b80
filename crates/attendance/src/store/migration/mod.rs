//! The schema of this service's database.

mod m0001_roll_calls;
mod m0002_stamps;
mod m0003_telling;
pub(crate) mod partitions;

use sea_orm_migration::{MigrationTrait, MigratorTrait};

/// Brings the database up to date.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut all = kit::db::migrations();
        all.push(Box::new(m0001_roll_calls::Migration));
        all.push(Box::new(m0002_stamps::Migration));
        all.push(Box::new(m0003_telling::Migration));
        all
    }
}
