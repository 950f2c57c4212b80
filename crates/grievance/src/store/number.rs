//! The counter of each year's tickets.

use kit::db::Txn;
use sea_orm::{DbErr, FromQueryResult};

use crate::domain::TicketNumber;

#[derive(FromQueryResult)]
struct Last {
    last: i64,
}

/// The next numbers of a year, so many. Whoever else takes some waits until this transaction has ended, and a transaction that comes to
/// nothing gives its numbers back: take them as late as can be.
pub(crate) async fn next_in_txn(
    txn: &Txn,
    year: i32,
    count: usize,
) -> Result<impl Iterator<Item = TicketNumber>, DbErr> {
    let sql = "INSERT INTO ticket_number (year, last) VALUES ($1, $2) \
               ON CONFLICT (year) DO UPDATE SET last = ticket_number.last + excluded.last RETURNING last";
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let row = Last::find_by_statement(super::statement(&**txn, sql, [year.into(), count.into()]))
        .one(&**txn)
        .await?;
    let row = row.ok_or_else(|| DbErr::RecordNotFound("the numbers that were just taken".to_owned()))?;
    let numbers = row.last - count + 1..=row.last;
    Ok(numbers.map(move |number| TicketNumber { year, number }))
}
