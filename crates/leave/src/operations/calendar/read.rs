//! Reading the calendar, for programs and as a file.

use kit::access::Caller;

use super::ical;
use crate::{
    Error,
    domain::{Leave, Student},
    operations::App,
    store::{self, leave::Period},
};

/// So many leaves a calendar has at most.
const MOST: u64 = 5000;

/// A leave in the calendar.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub leave: Leave,
    /// `None` as long as nobody told of the student.
    pub student: Option<Student>,
}

/// The granted leaves of a period, by their first day.
pub(crate) async fn entries(app: &App, caller: &Caller, period: &Period) -> Result<Vec<Entry>, Error> {
    read(app, caller, period, false).await
}

/// The same as a file, with those that were taken back: whoever keeps a copy takes them out.
pub(crate) async fn file(app: &App, caller: &Caller, period: &Period) -> Result<(String, Vec<u8>), Error> {
    let entries = read(app, caller, period, true).await?;
    let name = format!("leaves-{}-{}.ics", period.from, period.to);
    Ok((name, ical::calendar(&entries).into_bytes()))
}

async fn read(app: &App, caller: &Caller, period: &Period, with_cancelled: bool) -> Result<Vec<Entry>, Error> {
    let db = app.db.reader();
    let leaves = store::leave::of_period(db, &app.private, caller, period, with_cancelled, MOST + 1).await?;
    if leaves.len() as u64 > MOST {
        return Err(Error::CalendarTooLarge { most: MOST });
    }
    let students: Vec<_> = leaves.iter().map(|leave| leave.student_id).collect();
    let students = store::student::these(db, &students).await?;
    let entries = leaves.into_iter().map(|leave| Entry {
        student: students.get(&leave.student_id).cloned(),
        leave,
    });
    Ok(entries.collect())
}
