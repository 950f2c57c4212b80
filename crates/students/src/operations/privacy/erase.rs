//! Erasing a student: the record becomes nobody's, the documents go, everybody else hears of it.

use kit::{access::Caller, events::outbox, files::kept};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::super::{App, accounts, documents::remove::remove_in_txn};
use crate::{Error, domain::State, events, store};

/// Erases a student; nothing happens when that was done before.
pub(crate) async fn erase(app: &App, caller: &Caller, id: Uuid) -> Result<(), Error> {
    let txn = app.db.begin().await?;
    let before = store::student::lock_in_txn(&txn, &app.private, id)
        .await?
        .ok_or(Error::UnknownStudent)?;
    if before.state == State::Erased {
        return Ok(());
    }
    let now = app.clock.now();
    if let Some(room) = &before.room {
        store::room::vacate_in_txn(&txn, room.id).await?;
        store::stay::end_in_txn(&txn, id, now).await?;
    }
    let mut doomed = Vec::new();
    for document in store::document::of_student(&*txn, id).await? {
        doomed.append(&mut remove_in_txn(app, caller, &txn, &document, None).await?);
    }
    let nobody = before.erase(now);
    if !store::student::update_in_txn(&txn, &app.private, &nobody).await? {
        return Err(Error::ChangedMeanwhile);
    }
    // What was said of the student lies in the ledger of events for days. What is not published yet goes by the clock.
    outbox::forget_in_txn(&txn, id).await?;
    outbox::add(&txn, events::erased(&app.clock, caller, &nobody)).await?;
    txn.commit().await?;
    accounts::conform_soon(app, caller, &nobody).await;
    kept::delete_now(&app.db, &*app.files, &doomed).await;
    Ok(())
}

/// Removes what was published of students after they were erased: it was said before.
pub(crate) async fn forget_events(app: &App, stop: &CancellationToken) -> Result<(), Error> {
    loop {
        let txn = app.db.begin().await?;
        let may_be_more = store::erased::forget_events_in_txn(&txn).await?;
        txn.commit().await?;
        if !may_be_more || stop.is_cancelled() {
            return Ok(());
        }
    }
}
