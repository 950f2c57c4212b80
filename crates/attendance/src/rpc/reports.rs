//! Reports, asked for and answered.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use kit::{Fault, clock::timestamp, fault::Fields};
use proto::{
    attendance::{
        self as message, DownloadReportCsvRequest, DownloadReportPdfRequest, GetReportRequest, ReportCounts, ReportRow,
    },
    types::{FileChunk, FileHeader, file_chunk::Part},
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::{Pieces, convert::day};
use crate::{
    domain::{About, GroupBy, Period, ReportLine, Scope, Tally},
    operations::{
        App,
        report::{self, Report},
    },
};

/// Pieces of a file that may wait for a slow reader.
const PIECES_WAITING: usize = 4;
/// A file that is whole goes out in pieces of so many bytes.
const A_PIECE: usize = 64 * 1024;

/// What the three requests for a report have in common.
pub(super) struct Asked<'a> {
    from: &'a str,
    to: &'a str,
    block: Option<&'a str>,
    year: Option<u32>,
    group_by: Option<&'a str>,
}

impl<'a> From<&'a GetReportRequest> for Asked<'a> {
    fn from(request: &'a GetReportRequest) -> Self {
        Self {
            from: &request.from,
            to: &request.to,
            block: request.block.as_deref(),
            year: request.year,
            group_by: request.group_by.as_deref(),
        }
    }
}

impl<'a> From<&'a DownloadReportCsvRequest> for Asked<'a> {
    fn from(request: &'a DownloadReportCsvRequest) -> Self {
        Self {
            from: &request.from,
            to: &request.to,
            block: request.block.as_deref(),
            year: request.year,
            group_by: request.group_by.as_deref(),
        }
    }
}

impl<'a> From<&'a DownloadReportPdfRequest> for Asked<'a> {
    fn from(request: &'a DownloadReportPdfRequest) -> Self {
        Self {
            from: &request.from,
            to: &request.to,
            block: request.block.as_deref(),
            year: request.year,
            group_by: request.group_by.as_deref(),
        }
    }
}

impl Asked<'_> {
    /// What is wanted, or every field that is wrong.
    pub(super) fn read(&self) -> Result<(Scope, GroupBy), Fault> {
        let mut fields = Fields::default();
        let from = fields.take("from", day(self.from));
        let to = fields.take("to", day(self.to));
        let period = from.zip(to).and_then(|(from, to)| match Period::new(from, to) {
            Ok(period) => Some(period),
            Err((field, why)) => {
                fields.wrong(field, why);
                None
            }
        });
        let group_by = GroupBy::parse(self.group_by.unwrap_or("student"));
        let group_by = fields.take("group_by", group_by.ok_or("must be one of: student, day, session"));
        let year = self.year.map(year).transpose();
        let year = fields.take("year", year);
        let block = self.block.map(str::trim).filter(|block| !block.is_empty());
        let (Some(period), Some(group_by), Some(year)) = (period, group_by, year) else {
            return Err(fields.fault());
        };
        let block = block.map(str::to_owned);
        Ok((Scope { period, block, year }, group_by))
    }
}

fn year(year: u32) -> Result<u8, &'static str> {
    u8::try_from(year)
        .ok()
        .filter(|year| (1..=4).contains(year))
        .ok_or("must be 1 to 4")
}

pub(super) fn message(report: &Report) -> message::Report {
    message::Report {
        from: report.scope.period.from.to_string(),
        to: report.scope.period.to.to_string(),
        group_by: report.group_by.as_str().to_owned(),
        rows: report.lines.iter().map(row).collect(),
        totals: Some(counts(report.totals)),
    }
}

fn row(line: &ReportLine) -> ReportRow {
    let counts = Some(counts(line.tally));
    match &line.about {
        About::Student {
            id,
            registration_no,
            name,
            room_no,
        } => ReportRow {
            student_id: Some(id.to_string()),
            registration_no: Some(registration_no.clone()),
            student_name: Some(name.clone()),
            room_no: room_no.clone(),
            counts,
            ..ReportRow::default()
        },
        About::Day(day) => ReportRow {
            day: Some(day.to_string()),
            counts,
            ..ReportRow::default()
        },
        About::Session {
            id,
            day,
            began_at,
            block,
            year,
        } => ReportRow {
            session_id: Some(id.to_string()),
            block: Some(block.clone()),
            year: Some((*year).into()),
            day: Some(day.to_string()),
            began_at: Some(timestamp(*began_at)),
            counts,
            ..ReportRow::default()
        },
    }
}

fn counts(tally: Tally) -> ReportCounts {
    ReportCounts {
        present: tally.present,
        absent: tally.absent,
        excused: tally.excused,
        pending: tally.pending,
        total: tally.total(),
        percent_present: tally.percent_present(),
    }
}

/// The report as a CSV file, made as it is read.
pub(super) fn sheet(app: Arc<App>, scope: Scope, group_by: GroupBy) -> Pieces<FileChunk> {
    let (sender, pieces) = mpsc::channel(PIECES_WAITING);
    let header = header(
        report::file_name(&scope, group_by, "csv"),
        "text/csv; charset=utf-8",
        None,
    );
    let work = tokio::spawn(async move { report::send(&app, &scope, group_by, &sender).await });
    let data = ReceiverStream::new(pieces).map(|bytes| Ok(piece(Part::Data(bytes))));
    // Nothing when the work went well, else its failure as the end of the stream.
    let ending = stream::once(async move {
        match work.await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(Err(error.into())),
            Err(panic) => Some(Err(Fault::internal(panic).into())),
        }
    });
    let ending = ending.filter_map(std::future::ready);
    Box::pin(stream::once(std::future::ready(Ok(header))).chain(data).chain(ending))
}

/// A file that is there already.
pub(super) fn paper(name: String, file: Vec<u8>) -> Pieces<FileChunk> {
    let header = header(name, "application/pdf", Some(file.len() as u64));
    let file = Bytes::from(file);
    let begins = (0..file.len()).step_by(A_PIECE);
    let pieces: Vec<_> = begins
        .map(|begin| file.slice(begin..file.len().min(begin + A_PIECE)))
        .map(|bytes| Ok(piece(Part::Data(bytes.to_vec()))))
        .collect();
    Box::pin(stream::iter(std::iter::once(Ok(header)).chain(pieces)))
}

fn header(file_name: String, content_type: &str, size: Option<u64>) -> FileChunk {
    piece(Part::Header(FileHeader {
        file_name,
        content_type: content_type.to_owned(),
        size,
        ..FileHeader::default()
    }))
}

fn piece(part: Part) -> FileChunk {
    FileChunk { part: Some(part) }
}
