//! PostgreSQL: the database is created when it is missing, every wait has a limit.

use std::time::Duration;

use sea_orm::{ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, DbErr};
use url::Url;

use super::{ACQUIRE_LIMIT, STATEMENT_LIMIT};
use crate::port::OpenError;

/// How long a statement waits for a row that another transaction holds.
const LOCK_LIMIT: Duration = Duration::from_secs(3);
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

pub(super) async fn open(url: &Url, connections: u32) -> Result<(DatabaseConnection, DatabaseConnection), OpenError> {
    let pool = match connect(url, connections).await {
        Err(error) if does_not_exist(&error) => {
            create(url).await?;
            connect(url, connections).await
        }
        outcome => outcome,
    };
    let pool = pool.map_err(|error| OpenError::new("database", url, plain(&error)))?;
    Ok((pool.clone(), pool))
}

async fn connect(url: &Url, connections: u32) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(url.as_str());
    options
        .max_connections(connections)
        .min_connections(1)
        .connect_timeout(CONNECT_LIMIT)
        .acquire_timeout(ACQUIRE_LIMIT)
        // Connections are renewed, so that a failover behind one address is noticed.
        .max_lifetime(Duration::from_mins(10))
        .test_before_acquire_if_idle_for(Duration::from_secs(5))
        .sqlx_logging(false)
        .map_sqlx_postgres_opts(|postgres| {
            postgres.application_name("hostelpulse").options([
                ("statement_timeout", format!("{}ms", STATEMENT_LIMIT.as_millis())),
                ("lock_timeout", format!("{}ms", LOCK_LIMIT.as_millis())),
                ("idle_in_transaction_session_timeout", "30000ms".to_owned()),
                ("tcp_keepalives_idle", "10".to_owned()),
                ("tcp_keepalives_interval", "5".to_owned()),
                ("tcp_keepalives_count", "3".to_owned()),
                ("TimeZone", "UTC".to_owned()),
            ])
        });
    Database::connect(options).await
}

/// Creates the database that the URL names, from the server's maintenance database.
async fn create(url: &Url) -> Result<(), OpenError> {
    let refused = |error: DbErr| OpenError::new("database", url, format!("it does not exist and {}", plain(&error)));
    let name = url.path().trim_start_matches('/');
    let mut maintenance = url.clone();
    maintenance.set_path("/postgres");
    let server = connect(&maintenance, 1).await.map_err(refused)?;
    let created = server
        .execute_unprepared(&format!("CREATE DATABASE \"{}\"", name.replace('"', "\"\"")))
        .await;
    let _ = server.close().await;
    match created {
        // Another service of the same name was quicker.
        Err(error) if has_code(&error, "42P04") || has_code(&error, "23505") => Ok(()),
        outcome => outcome.map(drop).map_err(refused),
    }
}

fn does_not_exist(error: &DbErr) -> bool {
    has_code(error, "3D000")
}

fn has_code(error: &DbErr, code: &str) -> bool {
    said(error).is_some_and(|said| said.code().is_some_and(|said| said == code))
}

fn said(error: &DbErr) -> Option<&dyn sea_orm::sqlx::error::DatabaseError> {
    let (DbErr::Conn(cause) | DbErr::Exec(cause) | DbErr::Query(cause)) = error else {
        return None;
    };
    let sea_orm::RuntimeErr::SqlxError(cause) = cause else {
        return None;
    };
    cause.as_database_error()
}

/// The server's own words where it spoke, else the library's.
fn plain(error: &DbErr) -> String {
    said(error).map_or_else(|| error.to_string(), |said| said.message().to_owned())
}
