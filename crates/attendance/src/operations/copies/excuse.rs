//! A leave that is granted, changed or taken back changes the marks of its days, also of roll calls that were closed long ago.

use std::collections::HashMap;

use chrono::NaiveDate;
use kit::{access::Caller, db::Txn, events::outbox};
use uuid::Uuid;

use crate::{
    Error,
    domain::{Leave, Mark, MarkChange, MarkSource, MarkStatus, Session, excuse},
    events,
    operations::App,
    store, telling,
};

type Standing = (MarkStatus, MarkSource);

/// Keeps a leave and makes marks agree with it, unless something newer was heard of it.
///
/// The roll calls of its days are held meanwhile, also open ones: one that is just closing has either written its marks before they
/// are looked at here, or finds the leave when it does.
pub(crate) async fn keep_in_txn(app: &App, caller: &Caller, txn: &Txn, leave: &Leave) -> Result<(), Error> {
    let before = store::leave::take_in_txn(txn, leave).await?;
    if before.version >= leave.version {
        return Ok(());
    }
    store::leave::keep_in_txn(txn, leave).await?;
    let Some((from, to)) = days(&before, leave) else {
        return Ok(());
    };
    let student = store::student::find(&**txn, leave.student_id).await?;
    let belongs = student
        .as_ref()
        .and_then(|student| Some((student.block_folded.as_deref()?, student.year)));
    let sessions = store::session::of_student_in_txn(txn, (leave.student_id, belongs), (from, to)).await?;
    let marks = store::mark::excusable_in_txn(txn, leave.student_id, (from, to)).await?;
    let leaves = store::leave::approved_in_txn(txn, leave.student_id, from, to).await?;
    let changed = changed(&marks, &sessions, &leaves);
    write_in_txn(app, caller, txn, leave.student_id, &changed).await
}

/// From which day to which anything may have changed.
fn days(before: &Leave, after: &Leave) -> Option<(NaiveDate, NaiveDate)> {
    let approved = [before, after].into_iter().filter(|leave| leave.approved);
    approved
        .map(|leave| (leave.from, leave.to))
        .reduce(|(from, to), (other_from, other_to)| (from.min(other_from), to.max(other_to)))
}

/// The marks that are not as the leaves say, and what they become.
fn changed(marks: &[Mark], sessions: &[Session], leaves: &[Leave]) -> Vec<(Mark, Standing)> {
    let settled: HashMap<Uuid, bool> = sessions
        .iter()
        .map(|session| (session.id, session.is_settled()))
        .collect();
    let change = |mark: &Mark| {
        let is_settled = *settled.get(&mark.session_id)?;
        let is_covered = leaves.iter().any(|leave| leave.excuses(mark.day));
        let after = excuse((mark.status, mark.source), is_covered, is_settled)?;
        Some((mark.clone(), after))
    };
    marks.iter().filter_map(change).collect()
}

async fn write_in_txn(
    app: &App,
    caller: &Caller,
    txn: &Txn,
    student: Uuid,
    changed: &[(Mark, Standing)],
) -> Result<(), Error> {
    if changed.is_empty() {
        return Ok(());
    }
    let now = app.clock.now();
    let ids: Vec<Uuid> = changed.iter().map(|(mark, _)| mark.session_id).collect();
    telling::hold_in_txn(txn, &app.clock, &ids).await?;
    let mut by_standing: HashMap<Standing, Vec<(NaiveDate, Uuid)>> = HashMap::new();
    for (mark, after) in changed {
        by_standing.entry(*after).or_default().push((mark.day, mark.session_id));
    }
    for (after, marks) in &by_standing {
        store::mark::restate_in_txn(txn, student, marks, *after, now).await?;
    }
    let change = |(mark, (after, _)): &(Mark, Standing)| MarkChange {
        id: app.clock.new_id(),
        day: mark.day,
        session_id: mark.session_id,
        student_id: student,
        before: Some(mark.status),
        after: *after,
        source: MarkSource::Leave,
        reason: None,
        author: None,
        changed_at: now,
    };
    let notes: Vec<MarkChange> = changed.iter().map(change).collect();
    store::mark::note_in_txn(txn, &notes).await?;
    let touched = store::session::touch_all_in_txn(txn, &ids, now).await?;
    let after: HashMap<Uuid, &MarkChange> = notes.iter().map(|change| (change.session_id, change)).collect();
    let told = touched.iter().filter_map(|session| {
        let change = after.get(&session.id)?;
        Some(events::excuse_changed(&app.clock, caller, session.version, change))
    });
    outbox::add_many(txn, told).await?;
    Ok(())
}
