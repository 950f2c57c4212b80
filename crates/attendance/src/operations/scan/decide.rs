//! The guard's word on a scan that was not certain: once, until the roll call is settled.

use kit::{access::Caller, db::Txn, events::outbox};
use uuid::Uuid;

use super::read;
use crate::{
    Error,
    domain::{MarkChange, MarkSource, MarkStatus, Outcome, Scan, Word},
    events::{self, Marked},
    operations::App,
    store::{
        self,
        batch::{self, Locked, NewMark},
        scan::Kept,
    },
    telling,
};

pub(crate) async fn decide(app: &App, caller: &Caller, id: Uuid, word: Word) -> Result<Kept, Error> {
    let kept = store::scan::find(app.db.reader(), id)
        .await?
        .ok_or(Error::UnknownScan)?;
    let session = kept.session_id.ok_or(Error::UnknownScan)?;
    let session = read::of_guard(app, caller, session).await?;
    let (by, _) = caller.user()?;
    if kept.outcome != Outcome::Awaiting {
        return Err(Error::NothingToDecide);
    }
    let (txn, now) = (app.db.begin().await?, app.clock.now());
    let locked = telling::hold_in_txn(&txn, &app.clock, &[session.id]).await?;
    let locked = locked.get(&session.id).ok_or(Error::UnknownSession)?;
    // Who said so first is said first, also when it is too late.
    if !store::scan::decide_in_txn(&txn, id, word, by, now).await? {
        let said = store::scan::find(&*txn, id).await?.and_then(|scan| scan.word);
        return Err(said.map_or(Error::NothingToDecide, |(word, _, at)| Error::Decided(word, at)));
    }
    if locked.settled_at.is_some() {
        return Err(Error::SessionClosed);
    }
    let about = (kept.id, kept.student_id);
    let told = events::decided(&app.clock, caller, (session.id, locked.version + 1), about, word);
    outbox::add(&txn, told).await?;
    let marked = match word {
        Word::Confirmed => mark(app, caller, &txn, locked, &kept, by).await?,
        Word::Refused => false,
    };
    batch::take_versions_in_txn(&txn, &[session.id], 1 + i64::from(marked)).await?;
    txn.commit().await?;
    app.happened.ring(session.id);
    Ok(Kept {
        word: Some((word, by, now)),
        ..kept
    })
}

/// Marks the student, unless they are marked or a warden has spoken; whether that changed anything.
async fn mark(app: &App, caller: &Caller, txn: &Txn, locked: &Locked, kept: &Kept, by: Uuid) -> Result<bool, Error> {
    let (session, student, now) = (locked.id, kept.student_id, app.clock.now());
    let standing = batch::standing_in_txn(txn, &[(locked.day, session, student)]).await?;
    let standing = standing.get(&(session, student));
    if standing.is_some_and(batch::Standing::stands) {
        return Ok(false);
    }
    let (scan, before) = (scan_of(kept, locked), standing.map(|mark| mark.status));
    let new = NewMark {
        scan: &scan,
        session,
        source: MarkSource::Guard,
        token: None,
        retracts_absence: before == Some(MarkStatus::Absent),
        version: 0,
        now,
    };
    match standing {
        Some(_) => batch::turn_in_txn(txn, &new).await?,
        None => {
            batch::mark_in_txn(txn, &[new]).await?;
        }
    }
    let change = MarkChange {
        id: app.clock.new_id(),
        day: locked.day,
        session_id: session,
        student_id: student,
        before,
        after: MarkStatus::Present,
        source: MarkSource::Guard,
        reason: None,
        author: Some(by),
        changed_at: now,
    };
    store::mark::note_in_txn(txn, &[change]).await?;
    let marked = Marked {
        student,
        scan: kept.id,
        source: MarkSource::Guard,
        scanned_at: kept.scanned_at,
        retracts_absence: new.retracts_absence,
    };
    let told = events::marked(&app.clock, caller, (session, locked.day), locked.version + 2, &[marked]);
    outbox::add(txn, told).await?;
    Ok(true)
}

/// What a mark takes of a scan.
fn scan_of(kept: &Kept, locked: &Locked) -> Scan {
    Scan {
        id: kept.id,
        day: locked.day,
        session_id: Some(locked.id),
        student_id: kept.student_id,
        offline: kept.offline,
        scanned_at: kept.scanned_at,
        received_at: kept.received_at,
        distance_meters: kept.distance_meters,
        accuracy_meters: kept.accuracy_meters,
        point: None,
        evidence: kept.evidence.clone(),
        device: None,
        slot: None,
    }
}
