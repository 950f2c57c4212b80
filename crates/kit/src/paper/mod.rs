//! Tables on paper: a title, what is under it, columns, rows and totals become the pages of a PDF.
//!
//! The fonts are in the binary (Noto Sans, `assets/fonts`); Latin and Devanagari are shaped, other scripts show as boxes. The same
//! table gives the same bytes.

mod draw;
mod layout;
mod typeface;

use chrono::{DateTime, FixedOffset};

use self::{layout::lay_out, typeface::Typeface};

/// A table as it is to be printed.
#[derive(Clone, Debug)]
pub struct Paper {
    pub title: String,
    /// What is under the title on the first page, a line each.
    pub subtitle: Vec<String>,
    pub columns: Vec<Column>,
    /// The cells of each row, one a column.
    pub rows: Vec<Vec<String>>,
    /// The last row, which sums up the others.
    pub totals: Option<Vec<String>>,
    /// What stands where there are no rows.
    pub if_empty: String,
    /// What is at the foot of each page, beside its number.
    pub note: String,
    /// When it was made, by the clock of whoever reads it.
    pub made_at: DateTime<FixedOffset>,
}

/// A column of a table.
#[derive(Clone, Debug)]
pub struct Column {
    pub name: String,
    /// Its share of the width.
    pub share: f32,
    pub align: Align,
}

/// On which side of its column a cell stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Align {
    Left,
    Right,
}

/// Why there is no paper.
#[derive(Debug, thiserror::Error)]
pub enum PaperError {
    /// A row has more or fewer cells than there are columns.
    #[error("a row has {cells} cells, the table has {columns} columns")]
    Uneven { cells: usize, columns: usize },
    #[error("the file cannot be written: {0}")]
    File(String),
}

impl Column {
    pub fn left(name: &str, share: f32) -> Self {
        Self {
            name: name.to_owned(),
            share,
            align: Align::Left,
        }
    }

    pub fn right(name: &str, share: f32) -> Self {
        Self {
            align: Align::Right,
            ..Self::left(name, share)
        }
    }
}

impl Paper {
    /// The PDF file. It takes long enough to be made beside the threads that answer requests.
    pub fn print(&self) -> Result<Vec<u8>, PaperError> {
        let columns = self.columns.len();
        for row in self.rows.iter().chain(&self.totals) {
            let cells = row.len();
            if cells != columns {
                return Err(PaperError::Uneven { cells, columns });
            }
        }
        let typeface = Typeface::load();
        let pages = lay_out(self, &typeface);
        draw::draw(self, &pages, &typeface)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paper(rows: usize) -> Paper {
        Paper {
            title: "Attendance by student".to_owned(),
            subtitle: vec!["1 to 30 November 2026".to_owned()],
            columns: vec![Column::left("Name", 3.0), Column::right("Present", 1.0)],
            rows: (0..rows)
                .map(|row| vec![format!("Student {row}"), row.to_string()])
                .collect(),
            totals: Some(vec!["Total".to_owned(), "7".to_owned()]),
            if_empty: "Nothing".to_owned(),
            note: "Made today".to_owned(),
            made_at: DateTime::parse_from_rfc3339("2026-11-30T18:00:00+05:30").unwrap(),
        }
    }

    /// How many pages a file says it has.
    fn pages(file: &[u8]) -> usize {
        let text = String::from_utf8_lossy(file).replace("/Type /Page", "/Type/Page");
        text.matches("/Type/Page").count() - text.matches("/Type/Pages").count()
    }

    #[test]
    fn a_file_of_as_many_pages_as_it_takes() {
        for (rows, expected) in [(0, 1), (1, 1), (200, 6)] {
            let file = paper(rows).print().unwrap();
            assert!(file.starts_with(b"%PDF-"));
            assert_eq!(pages(&file), expected, "{rows} rows");
        }
    }

    #[test]
    fn the_same_table_is_the_same_file() {
        assert_eq!(paper(60).print().unwrap(), paper(60).print().unwrap());
    }

    #[test]
    fn a_row_that_does_not_fit_its_columns_is_refused() {
        let mut uneven = paper(1);
        uneven.rows[0].push("too much".to_owned());
        let refused = uneven.print().unwrap_err();
        assert!(matches!(refused, PaperError::Uneven { cells: 3, columns: 2 }));
    }
}
