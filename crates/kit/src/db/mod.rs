//! The database port: PostgreSQL or SQLite, chosen by URL; a service's database is its own.
//!
//! Reads go through a pool, writes through [`Db::begin`]. SQLite has one writer at a time, so its writes queue for one
//! connection here instead of failing as busy there.

mod migrate;
mod postgres;
mod rows;
mod sql;
mod sqlite;

use std::{
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sea_orm::{
    DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, RuntimeErr, SqlErr, SqliteTransactionMode,
    TransactionOptions, TransactionTrait as _,
};
use tokio::sync::Notify;
use url::Url;

pub use migrate::{MigrateError, migrations};
pub use rows::{Rows, one_of, places};
pub use sql::{execute, run, statement};

use crate::{
    Fault,
    port::{OpenError, PortError},
};

/// The schemes of URLs that this port opens.
pub const SCHEMES: &[&str] = &["sqlite", "postgres", "postgresql"];

/// No statement runs longer; a request's own deadline is shorter.
const STATEMENT_LIMIT: Duration = Duration::from_secs(10);
/// How long a caller waits for a free connection.
const ACQUIRE_LIMIT: Duration = Duration::from_secs(2);

/// A service's database. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    reader: DatabaseConnection,
    writer: DatabaseConnection,
    told: Arc<Notify>,
}

/// A transaction that writes. Dropped without [`Txn::commit`] it changes nothing.
pub struct Txn {
    inner: DatabaseTransaction,
    told: Arc<Notify>,
    tells: AtomicBool,
}

impl Db {
    /// Opens `sqlite://folder/file.db` (made when missing) or `postgres://…/name` (the database is created when missing).
    pub async fn open(url: &Url, connections: u32) -> Result<Self, OpenError> {
        let (reader, writer) = match url.scheme() {
            "sqlite" => sqlite::open(url, connections).await?,
            "postgres" | "postgresql" => postgres::open(url, connections).await?,
            _ => return Err(OpenError::unknown_scheme("database", url, SCHEMES)),
        };
        Ok(Self {
            reader,
            writer,
            told: Arc::new(Notify::new()),
        })
    }

    /// For reads outside a transaction.
    pub fn reader(&self) -> &DatabaseConnection {
        &self.reader
    }

    /// Begins a transaction that writes.
    pub async fn begin(&self) -> Result<Txn, DbErr> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..Default::default()
        };
        let inner = self.writer.begin_with_options(options).await?;
        Ok(Txn {
            inner,
            told: self.told.clone(),
            tells: AtomicBool::new(false),
        })
    }

    /// Wakes after each commit of this process that left events in the outbox: the relay waits here.
    pub fn told(&self) -> &Notify {
        &self.told
    }

    pub fn backend(&self) -> DbBackend {
        self.reader.get_database_backend()
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), PortError> {
        match tokio::time::timeout(ACQUIRE_LIMIT, self.reader.ping()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(PortError::Unavailable {
                port: "database",
                why: error.to_string(),
            }),
            Err(_) => Err(PortError::TimedOut {
                port: "database",
                within: ACQUIRE_LIMIT,
            }),
        }
    }

    /// Closes every connection; on SQLite this also folds the write-ahead log into the file.
    pub async fn close(self) -> Result<(), DbErr> {
        self.writer.close().await?;
        self.reader.close().await
    }
}

impl Txn {
    pub async fn commit(self) -> Result<(), DbErr> {
        self.inner.commit().await?;
        if self.tells.into_inner() {
            self.told.notify_one();
        }
        Ok(())
    }

    /// There is an event among what this transaction writes.
    pub(crate) fn tells(&self) {
        self.tells.store(true, Ordering::Relaxed);
    }
}

impl Deref for Txn {
    type Target = DatabaseTransaction;

    fn deref(&self) -> &DatabaseTransaction {
        &self.inner
    }
}

/// Whether the error is a unique constraint saying no; the text names the constraint or its columns.
pub fn unique_violation(error: &DbErr) -> Option<String> {
    match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(text)) => Some(text),
        _ => None,
    }
}

/// What a database error means to a caller: most often that the database is away for a moment.
pub fn fault(error: &DbErr) -> Fault {
    if is_unavailable(error) {
        tracing::warn!(%error, "the database is not available");
        return Fault::unavailable("The database is not available at the moment, try again shortly");
    }
    if holds_nul(error) {
        return Fault::invalid("request", "must not contain NUL characters");
    }
    Fault::internal(error)
}

/// PostgreSQL keeps no text with a NUL in it. Edges refuse such text by field; this is for what they let through.
fn holds_nul(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause))) = error else {
        return false;
    };
    let said = cause
        .as_database_error()
        .and_then(|said| said.code().map(std::borrow::Cow::into_owned));
    said.is_some_and(|code| ["22021", "22P05"].contains(&code.as_str()))
}

fn is_unavailable(error: &DbErr) -> bool {
    let cause = match error {
        DbErr::ConnectionAcquire(_) => return true,
        DbErr::Conn(cause) | DbErr::Exec(cause) | DbErr::Query(cause) => cause,
        _ => return false,
    };
    let RuntimeErr::SqlxError(cause) = cause else {
        return false;
    };
    match &**cause {
        sea_orm::sqlx::Error::Io(_)
        | sea_orm::sqlx::Error::PoolTimedOut
        | sea_orm::sqlx::Error::PoolClosed
        | sea_orm::sqlx::Error::WorkerCrashed
        | sea_orm::sqlx::Error::Protocol(_) => true,
        // PostgreSQL: connection trouble, read-only after a failover, resources, shutting down, limits on time and locks.
        // SQLite: busy, full, cannot be opened.
        sea_orm::sqlx::Error::Database(said) => said.code().is_some_and(|code| {
            code.starts_with("08")
                || code.starts_with("53")
                || code.starts_with("57")
                || ["25006", "55P03", "40001", "40P01", "5", "13", "14"].contains(&&*code)
        }),
        _ => false,
    }
}
