//! Pages as a PDF.

use chrono::{DateTime, Datelike as _, FixedOffset, Timelike as _};
use krilla::{
    Document,
    color::rgb,
    geom::{PathBuilder, Point, Rect},
    metadata::{DateTime as PdfTime, Metadata},
    num::NormalizedF32,
    page::PageSettings,
    paint::Fill,
    surface::Surface,
};

use super::{
    Align, Paper, PaperError,
    layout::{
        CELL_SIZE, HEIGHT, Kind, LEADING, MARGIN, NOTE_SIZE, PADDING, Row, SUBTITLE_SIZE, Sheet, WIDTH, begin, borders,
    },
    typeface::{Run, Typeface, Weight},
};

const INK: [u8; 3] = [28, 32, 38];
const FAINT: [u8; 3] = [110, 116, 124];
const RULE: [u8; 3] = [214, 218, 224];
const SHADE: [u8; 3] = [232, 237, 244];

pub(super) fn draw(paper: &Paper, sheets: &[Sheet], typeface: &Typeface) -> Result<Vec<u8>, PaperError> {
    let mut document = Document::new();
    document.set_metadata(
        Metadata::new()
            .title(paper.title.clone())
            .creator("HostelPulse".to_owned())
            .creation_date(time(paper.made_at)),
    );
    let borders = borders(&paper.columns);
    let aligned: Vec<((f32, f32), Align)> = borders
        .into_iter()
        .zip(paper.columns.iter().map(|column| column.align))
        .collect();
    for (number, sheet) in sheets.iter().enumerate() {
        let size = PageSettings::from_wh(WIDTH, HEIGHT).ok_or_else(|| PaperError::File("no such page".to_owned()))?;
        let mut page = document.start_page_with(size);
        let pen = Pen {
            surface: page.surface(),
            typeface,
        };
        pen.sheet(
            sheet,
            &aligned,
            (&paper.note, &format!("Page {} of {}", number + 1, sheets.len())),
        );
        page.finish();
    }
    document
        .finish()
        .map_err(|error| PaperError::File(format!("{error:?}")))
}

fn time(at: DateTime<FixedOffset>) -> PdfTime {
    let two = |value: u32| u8::try_from(value).unwrap_or_default();
    let minutes = at.offset().local_minus_utc() / 60;
    PdfTime::new(u16::try_from(at.year()).unwrap_or_default())
        .month(two(at.month()))
        .day(two(at.day()))
        .hour(two(at.hour()))
        .minute(two(at.minute()))
        .second(two(at.second()))
        .utc_offset_hour(i8::try_from(minutes / 60).unwrap_or_default())
        .utc_offset_minute(u8::try_from(minutes.abs() % 60).unwrap_or_default())
}

struct Pen<'a> {
    surface: Surface<'a>,
    typeface: &'a Typeface,
}

impl Pen<'_> {
    fn sheet(mut self, sheet: &Sheet, columns: &[((f32, f32), Align)], (note, number): (&str, &str)) {
        for text in &sheet.head {
            let ink = if text.size > SUBTITLE_SIZE { INK } else { FAINT };
            self.text(MARGIN, text.top, text.size, &text.words, text.weight, ink);
        }
        self.row(&sheet.header, columns);
        for row in &sheet.rows {
            self.row(row, columns);
        }
        self.foot(note, number);
        self.surface.finish();
    }

    fn ink(&mut self, [red, green, blue]: [u8; 3]) {
        self.surface.set_fill(Some(Fill {
            paint: rgb::Color::new(red, green, blue).into(),
            opacity: NormalizedF32::ONE,
            ..Fill::default()
        }));
    }

    fn bar(&mut self, top: f32, height: f32, colour: [u8; 3]) {
        // A bar without height is none.
        let Some(rect) = Rect::from_xywh(MARGIN, top, WIDTH - 2.0 * MARGIN, height) else {
            return;
        };
        let mut path = PathBuilder::new();
        path.push_rect(rect);
        if let Some(path) = path.finish() {
            self.ink(colour);
            self.surface.draw_path(&path);
        }
    }

    /// A line of text whose top is here.
    fn text(&mut self, left: f32, top: f32, size: f32, text: &str, weight: Weight, ink: [u8; 3]) {
        self.ink(ink);
        self.runs(left, top, size, self.typeface.runs(text, weight));
    }

    fn runs(&mut self, mut left: f32, top: f32, size: f32, runs: Vec<Run>) {
        for run in runs {
            let start = Point::from_xy(left, top + size);
            self.surface
                .draw_glyphs(start, &run.glyphs, run.font, &run.text, size, false);
            left += run.width * size;
        }
    }

    fn row(&mut self, row: &Row, columns: &[((f32, f32), Align)]) {
        if matches!(row.kind, Kind::Header | Kind::Totals) {
            self.bar(row.top, row.height, SHADE);
        }
        self.bar(row.top + row.height - 0.5, 0.5, RULE);
        for (cell, (border, align)) in row.cells.iter().zip(columns) {
            let mut top = row.top + PADDING - 0.5;
            for line in cell {
                let runs = self.typeface.runs(line, row.weight);
                let width = runs.iter().map(|run| run.width).sum::<f32>() * CELL_SIZE;
                self.ink(if row.kind == Kind::Remark { FAINT } else { INK });
                self.runs(begin(*border, *align, width), top, CELL_SIZE, runs);
                top += CELL_SIZE * LEADING;
            }
        }
    }

    fn foot(&mut self, note: &str, number: &str) {
        let top = HEIGHT - MARGIN - NOTE_SIZE;
        self.text(MARGIN, top, NOTE_SIZE, note, Weight::Regular, FAINT);
        let width = self.typeface.width(number, Weight::Regular) * NOTE_SIZE;
        self.text(WIDTH - MARGIN - width, top, NOTE_SIZE, number, Weight::Regular, FAINT);
    }
}
