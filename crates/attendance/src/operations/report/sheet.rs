//! A report as a CSV file: batch by batch, never whole in memory.

use kit::{Fault, csv::harmless};
use tokio::sync::mpsc;

use super::lines::Lines;
use crate::{
    Error,
    domain::{About, GroupBy, ReportLine, Scope, Tally},
    operations::App,
};

/// Lines that are sent at once.
const A_PIECE: usize = 500;

const COUNTS: [&str; 6] = ["present", "absent", "excused", "pending", "total", "percent_present"];

/// Sends the file's bytes, the names of its columns first; ends early when nobody reads any more.
pub(crate) async fn send(app: &App, scope: &Scope, group_by: GroupBy, to: &mpsc::Sender<Vec<u8>>) -> Result<(), Error> {
    let names = about_names(group_by)
        .iter()
        .chain(&COUNTS)
        .map(|name| (*name).to_owned());
    if to.send(table([names.collect()])?).await.is_err() {
        return Ok(());
    }
    let mut more = Lines::new(scope, group_by);
    while let Some(batch) = more.next(app.db.reader(), scope).await? {
        for piece in batch.chunks(A_PIECE) {
            if to.send(table(piece.iter().map(cells))?).await.is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn about_names(group_by: GroupBy) -> &'static [&'static str] {
    match group_by {
        GroupBy::Student => &["registration_no", "student_name", "room_no"],
        GroupBy::Day => &["day"],
        GroupBy::Session => &["day", "began_at", "block", "year", "session_id"],
    }
}

fn cells(line: &ReportLine) -> Vec<String> {
    let mut cells = match &line.about {
        About::Student {
            registration_no,
            name,
            room_no,
            ..
        } => {
            let room = room_no.as_deref().unwrap_or_default();
            vec![harmless(registration_no), harmless(name), harmless(room)]
        }
        About::Day(day) => vec![day.to_string()],
        About::Session {
            id,
            day,
            began_at,
            block,
            year,
        } => vec![
            day.to_string(),
            began_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            harmless(block),
            year.to_string(),
            id.to_string(),
        ],
    };
    cells.extend(counts(line.tally));
    cells
}

fn counts(tally: Tally) -> [String; 6] {
    let percent = tally.percent_present().map(|percent| format!("{percent:.1}"));
    [
        tally.present.to_string(),
        tally.absent.to_string(),
        tally.excused.to_string(),
        tally.pending.to_string(),
        tally.total().to_string(),
        percent.unwrap_or_default(),
    ]
}

fn table(rows: impl IntoIterator<Item = Vec<String>>) -> Result<Vec<u8>, Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(&row).map_err(Fault::internal)?;
    }
    Ok(writer.into_inner().map_err(Fault::internal)?)
}
