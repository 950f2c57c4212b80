//! Importing students from files.

mod again;
mod beds;
mod breaks;
mod files;
mod rows;

use futures_util::stream;
use kit::Fault;
use proto::{
    students::{ImportReport, ImportRow, ImportStatus},
    types::{FileChunk, FileHeader, Nothing, file_chunk::Part},
};
use tonic::Request;

use crate::hostel::{ADDRESS, Hostel, PARENT_PHONE, PHONE, told};

pub(crate) const HEADER: &str = "registration_no,name,email,phone,parent_phone,address,year,semester,room,password";

/// The messages in which a file comes.
pub(crate) fn pieces(file: &[u8], fields: &[(&str, &str)]) -> Vec<FileChunk> {
    let header = FileHeader {
        file_name: "students.csv".to_owned(),
        fields: fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        ..FileHeader::default()
    };
    let data = file.chunks(64 * 1024).map(|bytes| Part::Data(bytes.to_vec()));
    let parts = std::iter::once(Part::Header(header))
        .chain(data)
        .chain([Part::End(Nothing {})]);
    parts.map(|part| FileChunk { part: Some(part) }).collect()
}

/// A file of rows under the usual column names.
pub(crate) fn file(rows: &[String]) -> String {
    format!("{HEADER}\n{}\n", rows.join("\n"))
}

/// The row of somebody new, as [`crate::hostel::somebody`], into a room.
pub(crate) fn row_in(number: u32, room: &str) -> String {
    format!(
        "REG-{number:03},Some Body {number},student{number}@hostel.example,{PHONE},{PARENT_PHONE},\"{ADDRESS}\",1,1,{room},"
    )
}

pub(crate) fn row(number: u32) -> String {
    row_in(number, "")
}

impl Hostel {
    pub(crate) async fn try_import(&self, file: &[u8], dry_run: bool) -> Result<ImportReport, Fault> {
        let dry_run = if dry_run { "true" } else { "false" };
        self.send(self.warden(pieces(file, &[("dry_run", dry_run)]))).await
    }

    pub(crate) async fn import(&self, file: impl AsRef<[u8]>) -> ImportReport {
        self.try_import(file.as_ref(), false).await.unwrap()
    }

    pub(crate) async fn foresee(&self, file: impl AsRef<[u8]>) -> ImportReport {
        self.try_import(file.as_ref(), true).await.unwrap()
    }

    pub(crate) async fn send(&self, request: Request<Vec<FileChunk>>) -> Result<ImportReport, Fault> {
        told(self.students().import_students(request.map(stream::iter)).await)
    }

    /// How many rows there are of everything that an import writes.
    async fn written(&self) -> Vec<i64> {
        let mut counts = Vec::new();
        for table in ["student", "student_word", "stay", "account_intent", "outbox"] {
            counts.push(self.count(table).await);
        }
        counts
    }
}

/// How many rows were registered, unchanged and refused.
pub(crate) fn counts(report: &ImportReport) -> (u32, u32, u32) {
    let of = |status| report.rows.iter().filter(|row| row.status() == status).count();
    let (created, unchanged) = (of(ImportStatus::Created), of(ImportStatus::Unchanged));
    let failed = of(ImportStatus::Failed);
    let said = [report.created, report.unchanged, report.failed].map(|count| count as usize);
    assert_eq!(said, [created, unchanged, failed], "the counts are those of the rows");
    (report.created, report.unchanged, report.failed)
}

/// The wrong fields of a row.
fn fields(row: &ImportRow) -> Vec<&str> {
    row.errors.iter().map(|error| error.field.as_str()).collect()
}

/// The refused rows: line and wrong fields.
fn refused(report: &ImportReport) -> Vec<(u32, Vec<&str>)> {
    let refused = report.rows.iter().filter(|row| row.status() == ImportStatus::Failed);
    refused.map(|row| (row.line, fields(row))).collect()
}
