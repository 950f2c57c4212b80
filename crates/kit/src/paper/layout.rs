//! Where everything stands: which rows are on which page, and how their cells break into lines.

use super::{
    Align, Column, Paper,
    typeface::{Typeface, Weight},
};

/// A4, in points.
pub(super) const WIDTH: f32 = 595.28;
pub(super) const HEIGHT: f32 = 841.89;
pub(super) const MARGIN: f32 = 40.0;
pub(super) const TITLE_SIZE: f32 = 16.0;
pub(super) const SUBTITLE_SIZE: f32 = 9.5;
pub(super) const CELL_SIZE: f32 = 8.5;
pub(super) const NOTE_SIZE: f32 = 7.5;
/// From one line to the next, as a share of the size.
pub(super) const LEADING: f32 = 1.32;
/// Between a cell and the border of its column.
pub(super) const PADDING: f32 = 4.0;
/// What is kept free at the foot for the note and the page's number.
const FOOT: f32 = 24.0;
/// A cell has at most so many lines.
const MOST_LINES: usize = 3;

/// A page.
pub(super) struct Sheet {
    /// The title and what is under it, on the first page only, each with its top.
    pub(super) head: Vec<Text>,
    pub(super) header: Row,
    pub(super) rows: Vec<Row>,
}

/// A line of text that stands somewhere.
pub(super) struct Text {
    pub(super) words: String,
    pub(super) size: f32,
    pub(super) weight: Weight,
    pub(super) top: f32,
}

/// A row of the table on its page.
pub(super) struct Row {
    pub(super) cells: Vec<Vec<String>>,
    pub(super) weight: Weight,
    pub(super) kind: Kind,
    pub(super) top: f32,
    pub(super) height: f32,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Header,
    Plain,
    Totals,
    /// One text over all columns.
    Remark,
}

/// From where to where each column goes.
pub(super) fn borders(columns: &[Column]) -> Vec<(f32, f32)> {
    let all: f32 = columns.iter().map(|column| column.share).sum();
    let mut left = MARGIN;
    let mut borders = Vec::with_capacity(columns.len());
    for column in columns {
        let width = (WIDTH - 2.0 * MARGIN) * column.share / all;
        borders.push((left, left + width));
        left += width;
    }
    borders
}

/// Where a text of this width begins in its column.
pub(super) fn begin((left, right): (f32, f32), align: Align, width: f32) -> f32 {
    match align {
        Align::Left => left + PADDING,
        Align::Right => right - PADDING - width,
    }
}

pub(super) fn lay_out(paper: &Paper, typeface: &Typeface) -> Vec<Sheet> {
    let borders = borders(&paper.columns);
    let cells = |row: &[String], weight| -> Vec<Vec<String>> {
        let limits = borders.iter().map(|(left, right)| right - left - 2.0 * PADDING);
        let cells = row.iter().zip(limits);
        cells
            .map(|(cell, limit)| typeface.lines(cell, weight, limit / CELL_SIZE, MOST_LINES))
            .collect()
    };
    let names: Vec<String> = paper.columns.iter().map(|column| column.name.clone()).collect();
    let header = || Row::new(cells(&names, Weight::Bold), Kind::Header);
    let (head, top) = head(paper, typeface);
    let mut sheets = Sheets::begin(Sheet::new(head, header(), top));
    for row in &paper.rows {
        sheets.add(Row::new(cells(row, Weight::Regular), Kind::Plain), header);
    }
    if paper.rows.is_empty() {
        let remark = vec![vec![paper.if_empty.clone()]];
        sheets.add(Row::new(remark, Kind::Remark), header);
    } else if let Some(totals) = &paper.totals {
        sheets.add(Row::new(cells(totals, Weight::Bold), Kind::Totals), header);
    }
    sheets.0
}

/// The title and what is under it, and where the table begins.
fn head(paper: &Paper, typeface: &Typeface) -> (Vec<Text>, f32) {
    let limit = WIDTH - 2.0 * MARGIN;
    let mut texts = Vec::new();
    let mut top = MARGIN;
    let title = std::iter::once((&paper.title, TITLE_SIZE, Weight::Bold));
    let under = paper.subtitle.iter().map(|line| (line, SUBTITLE_SIZE, Weight::Regular));
    for (text, size, weight) in title.chain(under) {
        for text in typeface.lines(text, weight, limit / size, MOST_LINES) {
            texts.push(Text {
                words: text,
                size,
                weight,
                top,
            });
            top += size * LEADING;
        }
    }
    (texts, top + 8.0)
}

impl Row {
    fn new(cells: Vec<Vec<String>>, kind: Kind) -> Self {
        let lines = cells.iter().map(Vec::len).max().unwrap_or(1).max(1);
        let lines = f32::from(u8::try_from(lines).unwrap_or(u8::MAX));
        Self {
            height: lines * CELL_SIZE * LEADING + 2.0 * PADDING,
            weight: match kind {
                Kind::Header | Kind::Totals => Weight::Bold,
                Kind::Plain | Kind::Remark => Weight::Regular,
            },
            top: 0.0,
            cells,
            kind,
        }
    }
}

impl Sheet {
    fn new(head: Vec<Text>, mut header: Row, top: f32) -> Self {
        header.top = top;
        Self {
            head,
            header,
            rows: Vec::new(),
        }
    }

    fn bottom(&self) -> f32 {
        let last = self.rows.last().unwrap_or(&self.header);
        last.top + last.height
    }
}

/// The pages so far; there is always one.
struct Sheets(Vec<Sheet>);

impl Sheets {
    fn begin(first: Sheet) -> Self {
        Self(vec![first])
    }

    /// A row at the end of the last page, or on a new one where it does not fit.
    fn add(&mut self, mut row: Row, header: impl Fn() -> Row) {
        let bottom = self.0.last().map_or(0.0, Sheet::bottom);
        if bottom + row.height > HEIGHT - MARGIN - FOOT {
            self.0.push(Sheet::new(Vec::new(), header(), MARGIN));
        }
        if let Some(sheet) = self.0.last_mut() {
            row.top = sheet.bottom();
            sheet.rows.push(row);
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn paper(rows: usize) -> Paper {
        let name = |row| match row % 7 {
            0 => format!("Venkatanarasimharajuvaripeta Subrahmanyam Chandrasekharendra {row}"),
            _ => format!("Student {row}"),
        };
        Paper {
            title: "Attendance".to_owned(),
            subtitle: vec!["November".to_owned(), "Block A".to_owned()],
            columns: vec![Column::left("Name", 2.0), Column::right("Present", 1.0)],
            rows: (0..rows).map(|row| vec![name(row), "1".to_owned()]).collect(),
            totals: Some(vec!["Total".to_owned(), rows.to_string()]),
            if_empty: "No roll calls".to_owned(),
            note: String::new(),
            made_at: DateTime::parse_from_rfc3339("2026-11-30T18:00:00+05:30").unwrap(),
        }
    }

    #[test]
    fn every_row_is_on_one_page_below_its_header_and_above_the_foot() {
        let sheets = lay_out(&paper(300), &Typeface::load());
        assert!(sheets.len() > 5);
        let rows: usize = sheets.iter().map(|sheet| sheet.rows.len()).sum();
        assert_eq!(rows, 301);
        for sheet in &sheets {
            assert_eq!(sheet.header.cells, [["Name"], ["Present"]]);
            assert!(sheet.bottom() <= HEIGHT - MARGIN - FOOT);
            let mut bottom = sheet.header.top + sheet.header.height;
            for row in &sheet.rows {
                assert!((row.top - bottom).abs() < 0.01);
                bottom = row.top + row.height;
            }
        }
        assert_eq!(sheets.last().unwrap().rows.last().unwrap().kind, Kind::Totals);
        assert!(sheets[1..].iter().all(|sheet| sheet.head.is_empty()));
    }

    #[test]
    fn an_empty_table_says_so() {
        let sheets = lay_out(&paper(0), &Typeface::load());
        let rows = &sheets[0].rows;
        assert_eq!(rows.len(), 1);
        assert_eq!(
            (rows[0].kind, &rows[0].cells[0][0][..]),
            (Kind::Remark, "No roll calls")
        );
    }
}
