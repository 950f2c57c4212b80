//! Reading marks: of a roll call, how one came to be, one's own.

use kit::{access::Caller, page::Paging};
use proto::types::Page;
use uuid::Uuid;

use crate::{
    Error,
    domain::{MarkStatus, Period},
    operations::App,
    store::{
        self,
        roll::{RollLine, Step},
    },
};

/// Everybody who stands in a roll call: of a guard's own, and for wardens of any.
pub(crate) async fn of_session(
    app: &App,
    caller: &Caller,
    id: Uuid,
    status: Option<MarkStatus>,
    paging: Paging,
) -> Result<(Vec<RollLine>, Page), Error> {
    let db = app.db.reader();
    let session = store::session::find_led(db, caller, id).await?;
    let session = session.ok_or(Error::UnknownSession)?;
    let (lines, total) = store::roll::of_session(db, &session, status, paging).await?;
    Ok((lines, paging.of(total)))
}

/// How a student's mark in a roll call came to be.
pub(crate) async fn history(
    app: &App,
    session: Uuid,
    student: Uuid,
    paging: Paging,
) -> Result<(Vec<Step>, Page), Error> {
    let db = app.db.reader();
    let session = store::session::find(db, session).await?.ok_or(Error::UnknownSession)?;
    if store::student::find(db, student).await?.is_none() {
        return Err(Error::UnknownStudent);
    }
    let (steps, total) = store::roll::history(db, &session, student, paging).await?;
    Ok((steps, paging.of(total)))
}

/// The caller's own marks.
pub(crate) async fn own(
    app: &App,
    caller: &Caller,
    period: Option<Period>,
    status: Option<MarkStatus>,
    paging: Paging,
) -> Result<(Vec<RollLine>, Page), Error> {
    let (student, _) = caller.user()?;
    let (lines, total) = store::roll::of_student(app.db.reader(), student, period, status, paging).await?;
    Ok((lines, paging.of(total)))
}
