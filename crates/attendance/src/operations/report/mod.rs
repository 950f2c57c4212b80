//! Reports: who was there, by student, by day or by roll call.

mod lines;
mod paper;
pub(crate) mod print;
mod sheet;

pub(crate) use sheet::send;

use self::lines::Lines;
use crate::{
    Error,
    domain::{GroupBy, ReportLine, Scope, Tally},
    operations::App,
};

/// A report that is held whole has no more lines.
pub(crate) const MOST_LINES: usize = 10_000;

/// A report, whole.
pub(crate) struct Report {
    pub scope: Scope,
    pub group_by: GroupBy,
    pub lines: Vec<ReportLine>,
    pub totals: Tally,
}

/// The report, where it is not too large to be held whole.
pub(crate) async fn whole(app: &App, scope: Scope, group_by: GroupBy) -> Result<Report, Error> {
    let mut more = Lines::new(&scope, group_by);
    let mut lines = Vec::new();
    while let Some(batch) = more.next(app.db.reader(), &scope).await? {
        lines.extend(batch);
        if lines.len() > MOST_LINES {
            return Err(Error::ReportTooLarge { most: MOST_LINES });
        }
    }
    let totals = lines.iter().fold(Tally::default(), |sum, line| sum.and(line.tally));
    Ok(Report {
        scope,
        group_by,
        lines,
        totals,
    })
}

/// What a report's file is called.
pub(crate) fn file_name(scope: &Scope, group_by: GroupBy, ending: &str) -> String {
    let (from, to) = (scope.period.from, scope.period.to);
    format!("attendance-{from}-{to}-by-{}.{ending}", group_by.as_str())
}
