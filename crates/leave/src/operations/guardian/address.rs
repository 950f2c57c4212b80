//! Where guardians are written to.

use kit::{access::Caller, contact::Email, events::outbox};
use uuid::Uuid;

use super::ask;
use crate::{Error, domain::GuardianAddress, events, operations::App, store};

/// Keeps where a student's guardian is written to. What they were asked and did not answer is asked again, there.
pub(crate) async fn set(app: &App, caller: &Caller, student: Uuid, email: Email) -> Result<GuardianAddress, Error> {
    let (by, _) = caller.user()?;
    let now = app.clock.now();
    let txn = app.db.begin().await?;
    let known = store::student::find(&*txn, student).await?;
    // Nobody is asked about somebody who is gone.
    known.filter(|student| student.active).ok_or(Error::UnknownStudent)?;
    store::asker::hold_in_txn(&txn, student).await?;
    let address = store::guardian::keep_in_txn(&txn, &app.private, student, email, (by, now)).await?;
    store::guardian_link::void_in_txn(&txn, student, now).await?;
    for leave in store::leave::asked_of_guardian(&*txn, &app.private, student).await? {
        ask::ask_in_txn(app, &txn, &leave).await?;
    }
    outbox::add(&txn, events::guardian_changed(&app.clock, caller, &address)).await?;
    txn.commit().await?;
    Ok(address)
}

/// Where a student's guardian is written to.
pub(crate) async fn get(app: &App, student: Uuid) -> Result<GuardianAddress, Error> {
    let found = store::guardian::find(app.db.reader(), &app.private, student).await?;
    found.ok_or(Error::UnknownGuardian)
}
