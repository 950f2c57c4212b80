//! Whether the copies of students and of those who work in the hostel were ever filled.

use chrono::{DateTime, Utc};
use kit::db::Txn;
use sea_orm::{ConnectionTrait, DbErr};

/// Notes that the copies were filled.
pub(crate) async fn note_in_txn(txn: &Txn, now: DateTime<Utc>) -> Result<(), DbErr> {
    let sql = "INSERT INTO copies_filled (one, filled_at) VALUES (1, $1) \
               ON CONFLICT (one) DO UPDATE SET filled_at = excluded.filled_at";
    super::execute(&**txn, sql, [now.into()]).await.map(drop)
}

pub(crate) async fn is_filled(db: &impl ConnectionTrait) -> Result<bool, DbErr> {
    let statement = super::statement(db, "SELECT one FROM copies_filled", []);
    Ok(db.query_one_raw(statement).await?.is_some())
}
