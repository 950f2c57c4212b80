//! What can go wrong in this service, turned into a fault in one place.

use kit::{Fault, db, port::PortError};
use sea_orm::DbErr;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Fault(#[from] Fault),
    #[error("database: {0}")]
    Database(#[from] DbErr),
    #[error("table {table}, row {row}: {what}")]
    Inconsistent {
        table: &'static str,
        row: i64,
        what: &'static str,
    },
    #[error("{0}")]
    Port(#[from] PortError),
    #[error("CSV: {0}")]
    Csv(#[from] csv::Error),
    #[error("JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::Fault(fault) => fault,
            Error::Database(error) => db::fault(&error),
            Error::Port(error) => error.into(),
            Error::Inconsistent { .. } | Error::Csv(_) | Error::Json(_) => Fault::internal(error),
        }
    }
}

impl From<Error> for tonic::Status {
    fn from(error: Error) -> Self {
        Fault::from(error).into()
    }
}
