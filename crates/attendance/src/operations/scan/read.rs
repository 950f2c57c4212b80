//! Reading scans: one, those that wait for the guard, all of a roll call.

use kit::{access::Caller, page::Paging};
use proto::{options::Role, types::Page};
use uuid::Uuid;

use crate::{
    Error,
    domain::Session,
    operations::App,
    store::{
        self,
        scan::{Kept, Which},
    },
};

/// A scan: a student's own; of the others, what the guard of its roll call and wardens may see.
pub(crate) async fn get(app: &App, caller: &Caller, id: Uuid) -> Result<Kept, Error> {
    let (who, role) = caller.user()?;
    let scan = store::scan::find(app.db.reader(), id)
        .await?
        .ok_or(Error::UnknownScan)?;
    match (role, scan.session_id) {
        (Role::Student, _) if scan.student_id == who => {}
        // A code that could not be read names no roll call, and so no guard.
        (Role::Student, _) | (Role::Guard, None) => return Err(Error::UnknownScan),
        (Role::Guard, Some(session)) => {
            of_guard(app, caller, session).await?;
        }
        _ => {}
    }
    Ok(scan)
}

/// One page of the scans of a roll call.
pub(crate) async fn list(
    app: &App,
    caller: &Caller,
    session: Uuid,
    which: Which,
    paging: Paging,
) -> Result<(Vec<Kept>, Page), Error> {
    let session = of_guard(app, caller, session).await?;
    let (scans, total) = store::scan::page(app.db.reader(), &session, which, paging).await?;
    Ok((scans, paging.of(total)))
}

/// A roll call whose scans the caller may see and decide: the guard who opened it, and wardens.
pub(super) async fn of_guard(app: &App, caller: &Caller, id: Uuid) -> Result<Session, Error> {
    let (who, role) = caller.user()?;
    let session = store::session::find(app.db.reader(), id).await?;
    let session = session.ok_or(Error::UnknownSession)?;
    if role == Role::Warden || session.opened_by == who {
        Ok(session)
    } else {
        Err(Error::NotTheirSession)
    }
}
