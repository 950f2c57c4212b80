//! Closing a roll call: by the guard who opened it, by a warden, by time. Whoever was not marked is then excused, or pending until
//! late scans have ended.

use kit::{access::Caller, db::Txn, events::outbox};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{App, changes, late_sync, leads, ourselves, read};
use crate::{
    Error,
    domain::{Closing, MarkSource, MarkStatus, Session},
    events, store, telling,
};

/// Roll calls that are closed in one go of the job; the next go takes the next ones.
const AT_ONCE: u64 = 100;

/// Closes a roll call; closing it again changes nothing.
pub(crate) async fn close(app: &App, caller: &Caller, id: Uuid) -> Result<Session, Error> {
    let session = read::one(app, caller, id).await?;
    let by = leads(caller, &session)?;
    if !session.is_open() {
        return Ok(session);
    }
    match end(app, caller, &session, by).await? {
        Some(closed) => Ok(closed),
        // Somebody was faster.
        None => read::one(app, caller, id).await,
    }
}

/// Closes what is over; says how many that were.
pub(crate) async fn overdue(app: &App, stop: &CancellationToken) -> Result<usize, Error> {
    let mut closed = 0;
    for session in store::session::life::overdue(&app.db, app.clock.now(), AT_ONCE).await? {
        if stop.is_cancelled() {
            break;
        }
        // One that cannot be closed does not keep the others open.
        match end(app, &ourselves(app), &session, Closing::Time).await {
            Ok(ended) => closed += usize::from(ended.is_some()),
            Err(error) => {
                tracing::warn!(session = %session.id, %error, "a roll call whose time is over stays open for now");
            }
        }
    }
    Ok(closed)
}

async fn end(app: &App, caller: &Caller, session: &Session, by: Closing) -> Result<Option<Session>, Error> {
    let txn = app.db.begin().await?;
    let ended = end_in_txn(app, caller, &txn, session, by).await?;
    if let Some(ended) = &ended {
        txn.commit().await?;
        app.memory.keep_sessions([ended.clone()]);
        app.happened.ring(ended.id);
    }
    Ok(ended)
}

/// Closes a roll call and gives everybody else of the block and year a mark; `None` where somebody was faster. The caller commits.
pub(super) async fn end_in_txn(
    app: &App,
    caller: &Caller,
    txn: &Txn,
    session: &Session,
    by: Closing,
) -> Result<Option<Session>, Error> {
    let now = app.clock.now();
    let end = session.ended(by, now, late_sync(app));
    telling::hold_in_txn(txn, &app.clock, &[session.id]).await?;
    let Some(closed) = store::session::life::close_in_txn(txn, session.id, end, now).await? else {
        return Ok(None);
    };
    let excused = store::ending::complete_in_txn(txn, &closed, now).await?;
    let became = (None, MarkStatus::Excused, MarkSource::Leave);
    store::mark::note_in_txn(txn, &changes(app, &closed, &excused, became, now)).await?;
    outbox::add(txn, events::closed(&app.clock, caller, &closed)).await?;
    Ok(Some(closed))
}
