//! From cells to rows of known columns; what is wrong with one row does not stop the others.

use std::fmt;

use super::{
    Cells, Column, MOST_ROWS, TableError, WrongColumns,
    cells::{Record, Records},
    decode::decode,
    write::without_apostrophe,
};

const DELIMITERS: [char; 3] = [',', ';', '\t'];

/// How many unknown columns are named, and how much of each name: enough to see what went wrong.
const MOST_NAMED: usize = 20;
const LONGEST_NAME: usize = 40;

/// The rows of a file, in its order.
#[derive(Debug)]
pub struct Sheet {
    pub rows: Vec<Row>,
}

/// A row of a file.
#[derive(Debug)]
pub struct Row {
    /// The line on which it begins; that of the column names is usually the first.
    pub line: u32,
    /// Empty when there are too many or too few of them to say which is which.
    pub cells: Cells,
    pub problems: Vec<Problem>,
}

/// What is wrong with a row, as far as its form goes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Problem {
    CellCount {
        expected: usize,
        found: usize,
    },
    ControlCharacter(Column),
    /// A spreadsheet took a phone for a quantity, and cut digits off.
    PhoneAsNumber(Column),
}

impl Problem {
    /// The column that it is about, or `row`.
    pub fn field(&self) -> &'static str {
        match self {
            Self::CellCount { .. } => "row",
            Self::ControlCharacter(column) | Self::PhoneAsNumber(column) => column.name(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CellCount { expected, found } => write!(f, "must have {expected} cells, as the header has, not {found}"),
            Self::ControlCharacter(_) => f.write_str("must not contain control characters"),
            Self::PhoneAsNumber(_) => f.write_str(
                "was turned into a rounded number by the spreadsheet: format the column as text, enter the ten digits again",
            ),
        }
    }
}

impl Sheet {
    /// Reads a whole file.
    pub fn read(bytes: &[u8]) -> Result<Self, TableError> {
        let text = decode(bytes)?;
        let mut records = Records::new(&text, delimiter(&text));
        let header = records.next()?.ok_or(TableError::Empty)?;
        let columns = columns(&header)?;
        let mut rows = Vec::new();
        while let Some(record) = records.next()? {
            if rows.len() == MOST_ROWS {
                return Err(TableError::TooManyRows);
            }
            rows.push(row(record, &columns));
        }
        Ok(Self { rows })
    }
}

/// The delimiter by which the header has the most known columns.
fn delimiter(text: &str) -> char {
    let known = |delimiter: char| {
        let header = Records::new(text, delimiter).next().ok().flatten();
        let cells = header.map(|header| header.cells).unwrap_or_default();
        cells.iter().filter(|cell| Column::of_header(cell).is_some()).count()
    };
    // Of equals the last is taken, so the most common one stands there.
    DELIMITERS
        .into_iter()
        .rev()
        .max_by_key(|delimiter| known(*delimiter))
        .unwrap_or(',')
}

/// The columns in the order of the header, which may end in empty cells.
fn columns(header: &Record) -> Result<Vec<Column>, WrongColumns> {
    let mut columns = Vec::new();
    let mut wrong = WrongColumns::default();
    for cell in filled(&header.cells) {
        match Column::of_header(cell) {
            Some(column) if !columns.contains(&column) => columns.push(column),
            Some(column) if !wrong.repeated.contains(&column) => wrong.repeated.push(column),
            None if wrong.unknown.len() < MOST_NAMED => wrong.unknown.push(shown(cell)),
            Some(_) | None => {}
        }
    }
    let is_missing = |column: &Column| column.is_required() && !columns.contains(column);
    wrong.missing = Column::ALL.into_iter().filter(is_missing).collect();
    if wrong.is_nothing() { Ok(columns) } else { Err(wrong) }
}

fn shown(name: &str) -> String {
    match name.trim() {
        "" => "(without a name)".to_owned(),
        name => name.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect(),
    }
}

/// The cells up to the last that is not empty.
fn filled(cells: &[String]) -> &[String] {
    let length = cells
        .iter()
        .rposition(|cell| !cell.trim().is_empty())
        .map_or(0, |last| last + 1);
    &cells[..length]
}

fn row(record: Record, columns: &[Column]) -> Row {
    let line = record.line;
    let mut cells = Cells::default();
    let (expected, found) = (columns.len(), record.cells.len());
    // More empty cells than the header has mean nothing.
    if found < expected || filled(&record.cells).len() > expected {
        let problems = vec![Problem::CellCount { expected, found }];
        return Row { line, cells, problems };
    }
    for (column, cell) in columns.iter().zip(&record.cells) {
        cells.set(*column, without_apostrophe(cell));
    }
    let problems = columns
        .iter()
        .filter_map(|column| problem(*column, cells.get(*column)))
        .collect();
    Row { line, cells, problems }
}

fn problem(column: Column, cell: &str) -> Option<Problem> {
    let is_phone = matches!(column, Column::Phone | Column::ParentPhone);
    if cell.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        Some(Problem::ControlCharacter(column))
    } else if is_phone && is_rounded(cell) {
        Some(Problem::PhoneAsNumber(column))
    } else {
        None
    }
}

/// Whether this is how spreadsheets write long numbers: `9.87654E+09`, also with a comma.
fn is_rounded(cell: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let Some((number, exponent)) = cell.trim().split_once(['e', 'E']) else {
        return false;
    };
    let (whole, part) = number.split_once(['.', ',']).unwrap_or((number, "0"));
    digits(whole) && digits(part) && digits(exponent.strip_prefix('+').unwrap_or(exponent))
}
