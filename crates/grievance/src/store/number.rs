//! The counter of each year's tickets.

use kit::db::Txn;
use sea_orm::{DbErr, FromQueryResult};

use crate::domain::TicketNumber;

#[derive(FromQueryResult)]
struct Last {
    last: i64,
}

/// The next number of a year. Whoever else takes one waits until this transaction has ended, and a transaction that comes to nothing
/// gives its number back: take it as late as can be.
pub(crate) async fn next_in_txn(txn: &Txn, year: i32) -> Result<TicketNumber, DbErr> {
    let sql = "INSERT INTO ticket_number (year, last) VALUES ($1, 1) \
               ON CONFLICT (year) DO UPDATE SET last = ticket_number.last + 1 RETURNING last";
    let row = Last::find_by_statement(super::statement(&**txn, sql, [year.into()]))
        .one(&**txn)
        .await?;
    let row = row.ok_or_else(|| DbErr::RecordNotFound("the number that was just taken".to_owned()))?;
    Ok(TicketNumber { year, number: row.last })
}
