//! A warden's word on how a student stands in a roll call, also long after it was closed.

use kit::{
    access::Caller,
    events::outbox,
    idempotency::{self, Attempt},
};
use proto::attendance as message;
use uuid::Uuid;

use crate::{
    Error,
    domain::{Mark, MarkChange, MarkSource, MarkStatus, Session, Student},
    events,
    operations::App,
    rpc::convert,
    store::{self, roll::RollLine},
    telling,
};

const RPC: &str = "MarkByHand";

/// What a warden says.
pub(crate) struct Word {
    pub session: Uuid,
    pub student: Uuid,
    /// Not pending.
    pub status: MarkStatus,
    pub reason: String,
}

/// Puts the mark over whatever is there; what was there stays in the history. Whoever else marks in this roll call waits.
pub(crate) async fn mark(
    app: &App,
    caller: &Caller,
    request: &message::MarkByHandRequest,
    word: Word,
) -> Result<message::Mark, Error> {
    let (author, _) = caller.user()?;
    let once = match idempotency::begin(&app.db, &app.clock, caller, RPC, request).await? {
        Attempt::First(once) => once,
        Attempt::Repeated(answer) => return Ok(answer),
    };
    let now = app.clock.now();
    telling::hold_in_txn(&once, &app.clock, &[word.session]).await?;
    let session = store::session::touch_in_txn(&once, word.session, now).await?;
    let session = session.ok_or(Error::UnknownSession)?;
    let student = store::student::find(&**once, word.student).await?;
    let student = student.ok_or(Error::UnknownStudent)?;
    let before = store::mark::find_in_txn(&once, session.day, session.id, student.id).await?;
    if before.is_none() && !student.belongs_to(&session.block_folded, session.year) {
        return Err(Error::NotInSession);
    }
    let change = MarkChange {
        id: app.clock.new_id(),
        day: session.day,
        session_id: session.id,
        student_id: student.id,
        before: before.as_ref().map(|mark| mark.status),
        after: word.status,
        source: MarkSource::Manual,
        reason: Some(word.reason),
        author: Some(author),
        changed_at: now,
    };
    let mark = after(before, &change);
    store::mark::put_in_txn(&once, &mark).await?;
    store::mark::note_in_txn(&once, std::slice::from_ref(&change)).await?;
    outbox::add(&once, events::corrected(&app.clock, caller, session.version, &change)).await?;
    let answer = convert::mark(&line(mark, &session, student));
    once.commit(&answer).await?;
    app.happened.ring(session.id);
    Ok(answer)
}

/// The mark as it is from now on. Only presence keeps the scan that it was seen by.
fn after(before: Option<Mark>, change: &MarkChange) -> Mark {
    let seen = before.filter(|_| change.after == MarkStatus::Present);
    Mark {
        day: change.day,
        session_id: change.session_id,
        student_id: change.student_id,
        status: change.after,
        source: MarkSource::Manual,
        scan_id: seen.as_ref().and_then(|mark| mark.scan_id),
        scanned_at: seen.as_ref().and_then(|mark| mark.scanned_at),
        distance_meters: seen.as_ref().and_then(|mark| mark.distance_meters),
        marked_at: change.changed_at,
    }
}

fn line(mark: Mark, session: &Session, student: Student) -> RollLine {
    RollLine {
        session_id: session.id,
        student_id: student.id,
        name: student.name,
        registration_no: student.registration_no,
        room_no: student.room_no,
        block: session.block.clone(),
        year: session.year,
        day: session.day,
        status: mark.status,
        source: Some(mark.source),
        scanned_at: mark.scanned_at,
        distance_meters: mark.distance_meters,
        marked_at: Some(mark.marked_at),
    }
}
