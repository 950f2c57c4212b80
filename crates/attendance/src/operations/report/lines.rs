//! The lines of a report, a batch at a time.

use chrono::NaiveDate;
use sea_orm::{ConnectionTrait, DbErr};
use uuid::Uuid;

use crate::{
    domain::{About, GroupBy, ReportLine, Scope},
    store::report,
};

/// Lines read at once.
const A_BATCH: u64 = 5000;

/// How far a report was read.
pub(super) enum Lines {
    Students { after: (String, Uuid) },
    Days,
    Sessions { after: (NaiveDate, Uuid) },
    Done,
}

impl Lines {
    pub(super) fn new(scope: &Scope, group_by: GroupBy) -> Self {
        match group_by {
            GroupBy::Student => Self::Students {
                after: (String::new(), Uuid::nil()),
            },
            GroupBy::Day => Self::Days,
            GroupBy::Session => Self::Sessions {
                after: (scope.period.from, Uuid::nil()),
            },
        }
    }

    /// The next lines; there may be none among them while there are more to come. `None` at the end.
    pub(super) async fn next(
        &mut self,
        db: &impl ConnectionTrait,
        scope: &Scope,
    ) -> Result<Option<Vec<ReportLine>>, DbErr> {
        let batch = match &*self {
            Self::Students { after } => report::students(db, scope, after, A_BATCH).await?,
            Self::Days => report::days(db, scope).await?,
            Self::Sessions { after } => report::sessions(db, scope, *after, A_BATCH).await?,
            Self::Done => return Ok(None),
        };
        let is_full = batch.len() as u64 == A_BATCH;
        *self = match batch.last().map(|line| &line.about) {
            Some(About::Student {
                registration_no, id, ..
            }) if is_full => Self::Students {
                after: (registration_no.clone(), *id),
            },
            Some(About::Session { day, id, .. }) if is_full => Self::Sessions { after: (*day, *id) },
            _ => Self::Done,
        };
        // Students of whom nothing was counted are read, and are no lines.
        let counts = |line: &ReportLine| !matches!(line.about, About::Student { .. }) || line.tally.total() > 0;
        Ok(Some(batch.into_iter().filter(counts).collect()))
    }
}
