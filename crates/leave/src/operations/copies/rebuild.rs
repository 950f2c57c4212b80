//! Reading all students anew: before the first event was heard, and after one of the two databases was lost.

use kit::copies::{self, Copies, Records};
use proto::students::{StreamStudentsRequest, StudentRecord, roster_client::RosterClient};
use tokio_util::sync::CancellationToken;

use crate::{domain::Student, heard, operations::App, store};

/// Whose records are copied.
pub(crate) const STUDENTS: &str = "students";

const COPIES: Copies = Copies::new(1, "students");

/// Fills copies that were never filled, as soon as the students service answers; until told to stop.
pub(crate) async fn fill(app: &App, stop: &CancellationToken) {
    COPIES.fill(&app.db, stop, || rebuild(app)).await;
}

/// Reads every student, and keeps what is newer than the copy; how many there were.
pub(crate) async fn rebuild(app: &App) -> anyhow::Result<u64> {
    let mut roster = RosterClient::new(copies::way(&app.upstreams, STUDENTS)?);
    let request = app.tokens.request(StreamStudentsRequest {})?;
    let mut records = Records::of(STUDENTS, roster.stream_students(request)).await?;
    while let Some(batch) = records.batch().await? {
        keep(app, &batch).await?;
    }
    COPIES.note_filled(&app.db, &app.clock).await?;
    Ok(records.count())
}

async fn keep(app: &App, records: &[StudentRecord]) -> anyhow::Result<()> {
    let student = |record: &StudentRecord| {
        heard::student(record).map_err(|why| anyhow::anyhow!("the record {}: {why}", record.id))
    };
    let mut students = records.iter().map(student).collect::<anyhow::Result<Vec<Student>>>()?;
    // In one order, whoever writes; each once.
    students.sort_unstable_by_key(|student| student.id);
    students.dedup_by_key(|student| student.id);
    let txn = app.db.begin().await?;
    store::student::keep_in_txn(&txn, &students).await?;
    txn.commit().await?;
    Ok(())
}
