//! Migrations: applied at start, refused when the database is newer than the program.

use sea_orm::DbErr;
use sea_orm_migration::MigratorTrait;

use super::Db;

/// The schema could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    #[error("the database is newer than this program: it has the migration \"{0}\", which this program does not know")]
    DatabaseIsNewer(String),
    #[error("migration failed: {0}")]
    Failed(#[from] DbErr),
}

impl Db {
    /// Applies what is missing; says how many migrations that was. Changes nothing when the database is newer.
    pub async fn migrate<M: MigratorTrait>(&self) -> Result<usize, MigrateError> {
        let missing = self.refuse_newer::<M>().await?;
        M::up(&self.writer, None).await?;
        Ok(missing)
    }

    /// Refuses a database with migrations that this program does not know; says how many of its own are missing there.
    pub async fn refuse_newer<M: MigratorTrait>(&self) -> Result<usize, MigrateError> {
        let known: Vec<String> = M::migrations().iter().map(|one| one.name().to_owned()).collect();
        let applied = self.applied_migrations::<M>().await?;
        match applied.iter().find(|name| !known.contains(name)) {
            Some(unknown) => Err(MigrateError::DatabaseIsNewer(unknown.clone())),
            None => Ok(known.len() - applied.len()),
        }
    }

    async fn applied_migrations<M: MigratorTrait>(&self) -> Result<Vec<String>, DbErr> {
        let manager = sea_orm_migration::SchemaManager::new(&self.writer);
        if !manager.has_table("seaql_migrations").await? {
            return Ok(Vec::new());
        }
        let applied = M::get_migration_models(&self.writer).await?;
        Ok(applied.into_iter().map(|one| one.version).collect())
    }
}

/// The tables that the kit needs in every service's database; a service's migrator begins with them.
pub fn migrations() -> Vec<Box<dyn sea_orm_migration::MigrationTrait>> {
    let mut all = crate::events::migrations();
    all.push(Box::new(crate::idempotency::Migration));
    all
}
