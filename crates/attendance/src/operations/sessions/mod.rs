//! The life of a roll call: opened, shown, closed, settled.

pub(crate) mod close;
pub(crate) mod code;
pub(crate) mod open;
pub(crate) mod place;
pub(crate) mod read;
pub(crate) mod settle;

use chrono::{DateTime, Duration, Utc};
use kit::access::Caller;
use proto::options::Role;
use uuid::Uuid;

use super::App;
use crate::{
    Error,
    domain::{Closing, MarkChange, MarkSource, MarkStatus, Session},
};

/// The guard who opened a roll call leads it, and every warden may; everybody else is refused. As whom the caller does.
pub(crate) fn leads(caller: &Caller, session: &Session) -> Result<Closing, Error> {
    match caller.user()? {
        (_, Role::Warden) => Ok(Closing::Warden),
        (id, Role::Guard) if id == session.opened_by => Ok(Closing::Guard),
        _ => Err(Error::NotTheirSession),
    }
}

/// How long after its end a roll call takes late scans.
fn late_sync(app: &App) -> Duration {
    Duration::minutes(app.config.late_sync_minutes.into())
}

/// This service, acting by itself.
fn ourselves(app: &App) -> Caller {
    Caller::service("attendance", app.clock.new_id().to_string())
}

/// What the end of a roll call made of the marks of these students, as it is noted.
fn changes(
    app: &App,
    session: &Session,
    students: &[Uuid],
    (before, after, source): (Option<MarkStatus>, MarkStatus, MarkSource),
    now: DateTime<Utc>,
) -> Vec<MarkChange> {
    let change = |student: &Uuid| MarkChange {
        id: app.clock.new_id(),
        day: session.day,
        session_id: session.id,
        student_id: *student,
        before,
        after,
        source,
        reason: None,
        author: None,
        changed_at: now,
    };
    students.iter().map(change).collect()
}
