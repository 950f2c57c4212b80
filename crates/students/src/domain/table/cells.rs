//! From text to cells: separators, quotation marks and line ends, whichever the spreadsheet wrote.

use std::{iter::Peekable, str::Chars};

use super::TableError;

/// The cells of one row, and the line on which it begins.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Record {
    pub(super) line: u32,
    pub(super) cells: Vec<String>,
}

impl Record {
    /// Whether nothing stands in it: spreadsheets write such rows at the end.
    pub(super) fn is_blank(&self) -> bool {
        self.cells.iter().all(|cell| cell.trim().is_empty())
    }
}

/// Cuts a text into records.
pub(super) struct Records<'a> {
    rest: Peekable<Chars<'a>>,
    delimiter: char,
    line: u32,
}

impl<'a> Records<'a> {
    pub(super) fn new(text: &'a str, delimiter: char) -> Self {
        Self {
            rest: text.chars().peekable(),
            delimiter,
            line: 1,
        }
    }

    /// The next record that is not blank.
    pub(super) fn next(&mut self) -> Result<Option<Record>, TableError> {
        while self.rest.peek().is_some() {
            let record = self.record()?;
            if !record.is_blank() {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }

    fn record(&mut self) -> Result<Record, TableError> {
        let mut record = Record {
            line: self.line,
            cells: Vec::new(),
        };
        loop {
            let cell = if self.rest.peek() == Some(&'"') {
                self.quoted()?
            } else {
                self.plain()
            };
            record.cells.push(cell);
            match self.rest.next() {
                Some(c) if c == self.delimiter => {}
                Some('\r') => {
                    self.rest.next_if_eq(&'\n');
                    break;
                }
                _ => break,
            }
        }
        self.line += 1;
        Ok(record)
    }

    /// A cell up to its end, without the blanks around it.
    fn plain(&mut self) -> String {
        self.up_to_end().trim().to_owned()
    }

    fn up_to_end(&mut self) -> String {
        let mut cell = String::new();
        while let Some(c) = self.rest.next_if(|c| *c != self.delimiter && !matches!(c, '\r' | '\n')) {
            cell.push(c);
        }
        cell
    }

    /// A cell in quotation marks, as it stands there. What comes after the last one, as it should not, is kept.
    fn quoted(&mut self) -> Result<String, TableError> {
        let opened = self.line;
        let mut cell = String::new();
        self.rest.next();
        loop {
            match self.rest.next() {
                None => return Err(TableError::OpenQuote { line: opened }),
                Some('"') if self.rest.next_if_eq(&'"').is_some() => cell.push('"'),
                Some('"') => break,
                Some(c) => {
                    let ends_line = c == '\n' || c == '\r' && self.rest.peek() != Some(&'\n');
                    self.line += u32::from(ends_line);
                    cell.push(c);
                }
            }
        }
        cell.push_str(self.up_to_end().trim_end());
        Ok(cell)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(u32, Vec<String>)> {
        let mut records = Records::new(text, ',');
        std::iter::from_fn(|| records.next().unwrap())
            .map(|record| (record.line, record.cells))
            .collect()
    }

    fn row(line: u32, cells: &[&str]) -> (u32, Vec<String>) {
        (line, cells.iter().map(|cell| (*cell).to_owned()).collect())
    }

    #[test]
    fn every_line_end_ends_a_row() {
        for end in ["\n", "\r\n", "\r"] {
            let text = ["a,b", "", ",", "1,2", " ,3 ", ""].join(end);
            assert_eq!(
                read(&text),
                [row(1, &["a", "b"]), row(4, &["1", "2"]), row(5, &["", "3"])],
                "{end:?}"
            );
        }
        assert_eq!(read("a\r\rb"), [row(1, &["a"]), row(3, &["b"])]);
    }

    #[test]
    fn quotation_marks_hold_anything() {
        assert_eq!(
            read("\"a,\"\"b\"\"\",\" c \"\n\"d\r\ne\nf\rg\",h\ni,\"\"\n"),
            [
                row(1, &["a,\"b\"", " c "]),
                row(2, &["d\r\ne\nf\rg", "h"]),
                row(6, &["i", ""])
            ]
        );
        assert_eq!(
            read("a\"b,c\"\n\"d\"e ,f"),
            [row(1, &["a\"b", "c\""]), row(2, &["de", "f"])]
        );
    }

    #[test]
    fn an_open_quotation_mark_is_told_with_its_line() {
        let mut records = Records::new("a\nb\n\"c\nd", ',');
        records.next().unwrap();
        records.next().unwrap();
        assert_eq!(records.next(), Err(TableError::OpenQuote { line: 3 }));
    }
}
