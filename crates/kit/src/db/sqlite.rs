//! SQLite: one file a service, a pool that reads and one connection that writes.

use std::{path::PathBuf, time::Duration};

use sea_orm::{
    ConnectOptions, Database, DatabaseConnection, DbErr, sqlx::sqlite::SqliteJournalMode,
    sqlx::sqlite::SqliteSynchronous,
};
use url::Url;

use super::ACQUIRE_LIMIT;
use crate::port::OpenError;

pub(super) async fn open(url: &Url, connections: u32) -> Result<(DatabaseConnection, DatabaseConnection), OpenError> {
    let path = file_of(url);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .map_err(|error| OpenError::new("database", url, format!("the folder cannot be made: {error}")))?;
    }
    let refused = |error: DbErr| OpenError::new("database", url, format!("the file cannot be opened: {error}"));
    // The writer comes first: it makes the file.
    let writer = Database::connect(options(&path, 1)).await.map_err(refused)?;
    let reader = Database::connect(options(&path, connections)).await.map_err(refused)?;
    Ok((reader, writer))
}

/// `sqlite://./data/auth.db` names a path relative to the working folder, `sqlite:///var/auth.db` an absolute one.
fn file_of(url: &Url) -> PathBuf {
    let written = format!("{}{}", url.host_str().unwrap_or_default(), url.path());
    PathBuf::from(
        percent_encoding::percent_decode_str(&written)
            .decode_utf8_lossy()
            .into_owned(),
    )
}

fn options(path: &std::path::Path, connections: u32) -> ConnectOptions {
    let file = path.to_owned();
    let mut options = ConnectOptions::new("sqlite://");
    options
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(ACQUIRE_LIMIT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(move |sqlite| {
            // FULL: an acknowledged write is on the disk, also when the power goes.
            sqlite
                .filename(&file)
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .foreign_keys(true)
                .busy_timeout(Duration::from_secs(5))
                .pragma("cache_size", "-2000")
        });
    options
}
