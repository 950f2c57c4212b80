//! Settling a roll call: late scans have ended, and whoever is still pending was not there.

use kit::{
    db::Txn,
    events::{Draft, outbox},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{App, changes, ourselves};
use crate::{
    Error,
    domain::{MarkSource, MarkStatus, Session},
    events, store, telling,
};

/// Roll calls that are settled in one go of the job; the next go takes the next ones.
const AT_ONCE: u64 = 100;
/// Absences that one event tells: some 40 bytes each, and an event has at most 256 KiB.
const ABSENCES_AN_EVENT: usize = 4000;

/// Settles every roll call whose late scans have ended; says how many that were.
pub(crate) async fn due(app: &App, stop: &CancellationToken) -> Result<usize, Error> {
    let mut settled = 0;
    for id in store::session::life::unsettled(&app.db, app.clock.now(), AT_ONCE).await? {
        if stop.is_cancelled() {
            break;
        }
        // One that cannot be settled does not hold up the others.
        match settle(app, id).await {
            Ok(done) => settled += usize::from(done),
            Err(error) => tracing::warn!(session = %id, %error, "a roll call could not be settled, trying again later"),
        }
    }
    Ok(settled)
}

/// Settles one; whether it was us who did.
async fn settle(app: &App, id: Uuid) -> Result<bool, Error> {
    let now = app.clock.now();
    let txn = app.db.begin().await?;
    telling::hold_in_txn(&txn, &app.clock, &[id]).await?;
    let Some(session) = store::session::life::settle_in_txn(&txn, id, now).await? else {
        return Ok(false);
    };
    let absent = store::ending::settle_in_txn(&txn, &session, now).await?;
    let became = (Some(MarkStatus::Pending), MarkStatus::Absent, MarkSource::Settlement);
    store::mark::note_in_txn(&txn, &changes(app, &session, &absent, became, now)).await?;
    tell_in_txn(app, &txn, &session, &absent).await?;
    txn.commit().await?;
    app.happened.ring(session.id);
    Ok(true)
}

/// One event, or several where many are absent, each with a version of its own.
async fn tell_in_txn(app: &App, txn: &Txn, session: &Session, absent: &[Uuid]) -> Result<(), Error> {
    let caller = ourselves(app);
    let mut parts: Vec<&[Uuid]> = absent.chunks(ABSENCES_AN_EVENT).collect();
    if parts.is_empty() {
        parts.push(&[]);
    }
    let versions = session.version..;
    let drafts: Vec<Draft> = versions
        .zip(&parts)
        .map(|(version, part)| events::settled(&app.clock, &caller, session, version, part))
        .collect();
    let more = i64::try_from(drafts.len()).unwrap_or(i64::MAX) - 1;
    if more > 0 {
        store::batch::take_versions_in_txn(txn, &[session.id], more).await?;
    }
    outbox::add_many(txn, drafts).await?;
    Ok(())
}
