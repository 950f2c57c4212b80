//! Students as a table: the CSV files that come in, and those that go out.
//!
//! Files come from spreadsheets more often than from programs, so whatever those write is read: their encodings, their
//! separators, their line ends, the apostrophes before what looks like a formula.

mod cells;
mod column;
mod decode;
mod sheet;
mod write;

#[cfg(test)]
mod tests;

pub use column::{Cells, Column, WrongColumns};
pub use sheet::{Problem, Row, Sheet};
pub use write::{write_header, write_row};

/// The longest file read.
pub const LONGEST_FILE: usize = 10 * 1024 * 1024;

/// The most rows read, beside that of the column names.
pub const MOST_ROWS: usize = 20_000;

/// Why a file is not read at all, in a sentence for the person who sent it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TableError {
    #[error("the file is empty: a line of column names and a row a student are expected")]
    Empty,
    #[error("the file is longer than 10 MB")]
    TooLong,
    #[error("the file has more than 20,000 rows: send it in parts")]
    TooManyRows,
    #[error("the file is a workbook of Excel or alike: save it as CSV (UTF-8) and send that")]
    Workbook,
    #[error("the file's text is broken: save it as CSV (UTF-8) and send that")]
    BrokenText,
    #[error("a quotation mark opens in line {line} and is never closed")]
    OpenQuote { line: u32 },
    #[error(transparent)]
    Columns(#[from] WrongColumns),
}
