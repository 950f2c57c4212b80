//! One step in the life of a ticket: what every change has in common.
//!
//! The domain says how the ticket is after it; here it is held against what stands, its time is reckoned anew, and ticket, history and
//! event are written in one transaction. Each step is one version and one event.

use chrono::{DateTime, Utc};
use kit::{
    access::{Caller, Identity, role_name},
    db::Txn,
    events::outbox,
};

use super::{App, read};
use crate::{
    Error,
    domain::{Change, Noted, State, Status, Ticket, TicketRef, differences, due},
    events, store,
};

/// Writes a step, unless somebody else made one since `before` was read: then the answer is what stands. Where nothing differs,
/// nothing happens.
pub(crate) async fn step_in_txn(
    app: &App,
    caller: &Caller,
    txn: &Txn,
    before: &Ticket,
    after: Ticket,
) -> Result<Ticket, Error> {
    if *before == after {
        return Ok(after);
    }
    // First of all: whoever comes second waits here, holding nothing that the first one needs, and writes no pause of their own. Not by
    // its version alone: what was forgotten of a sensitive one makes none, and is not brought back either.
    let standing = store::ticket::lock_in_txn(txn, before.id).await?;
    if standing.as_ref() != Some(before) {
        return Err(otherwise(app, caller, txn, before).await);
    }
    let now = app.clock.now();
    let mut after = next(after, now);
    pause_in_txn(app, txn, before, &after).await?;
    after.timing.due_at = due_at(app, txn, before, &after).await?;
    respond(before, &mut after);
    forget_overdue(&mut after);
    let noted = differences(before, &after);
    write_in_txn(app, caller, txn, (before, &after)).await?;
    store::change::note_in_txn(txn, &changes(app, caller, &after, &noted)).await?;
    let step = events::Step {
        before,
        after: &after,
        changed: &noted,
        to_role: app.config.told(&after),
    };
    outbox::add(txn, events::stepped(&app.clock, caller, &step)).await?;
    Ok(after)
}

/// The next version of a ticket of which something else changes: a picture, a comment. The caller notes it and adds its event.
pub(crate) async fn touch_in_txn(app: &App, caller: &Caller, txn: &Txn, before: &Ticket) -> Result<Ticket, Error> {
    let after = next(before.clone(), app.clock.now());
    write_in_txn(app, caller, txn, (before, &after)).await?;
    Ok(after)
}

/// What is noted of fields, as the work of the caller.
pub(crate) fn changes(app: &App, caller: &Caller, ticket: &Ticket, noted: &[Noted]) -> Vec<Change> {
    let (author, author_role) = author(caller);
    let change = |noted: &Noted| Change {
        id: app.clock.new_id(),
        ticket_id: ticket.id,
        field: noted.field.to_owned(),
        before: noted.before.clone(),
        after: noted.after.clone(),
        author,
        author_role: author_role.clone(),
        internal: false,
        changed_at: ticket.updated_at,
    };
    noted.iter().map(change).collect()
}

/// Who does something, and as what.
pub(crate) fn author(caller: &Caller) -> (Option<uuid::Uuid>, String) {
    match caller.identity {
        Identity::User { id, role, .. } => (Some(id), role_name(role)),
        Identity::Service { .. } | Identity::Nobody => (None, "system".to_owned()),
    }
}

fn next(ticket: Ticket, now: DateTime<Utc>) -> Ticket {
    Ticket {
        version: ticket.version + 1,
        updated_at: now,
        ..ticket
    }
}

async fn write_in_txn(app: &App, caller: &Caller, txn: &Txn, (before, after): (&Ticket, &Ticket)) -> Result<(), Error> {
    if store::ticket::update_in_txn(txn, before.version, after).await? {
        return Ok(());
    }
    Err(otherwise(app, caller, txn, before).await)
}

/// What stands now, for a caller who may still see it: what was theirs may be somebody else's by now.
async fn otherwise(app: &App, caller: &Caller, txn: &Txn, before: &Ticket) -> Error {
    tracing::debug!(ticket = %before.number, "somebody else was first");
    match read::find(app, &**txn, caller, TicketRef::Id(before.id)).await {
        Ok(standing) => Error::stands(&standing),
        Err(error) => error,
    }
}

/// Time stands still while a ticket waits for the student.
async fn pause_in_txn(app: &App, txn: &Txn, before: &Ticket, after: &Ticket) -> Result<(), Error> {
    match (before.status(), after.status()) {
        (Status::Waiting, Status::Waiting) => {}
        (_, Status::Waiting) => {
            store::pause::begin_in_txn(txn, app.clock.new_id(), after.id, after.updated_at).await?;
        }
        (Status::Waiting, _) => store::pause::end_in_txn(txn, after.id, after.updated_at).await?,
        _ => {}
    }
    Ok(())
}

/// When the ticket is due from now on, by its priority, its clock and its pauses.
async fn due_at(app: &App, txn: &Txn, before: &Ticket, after: &Ticket) -> Result<Option<DateTime<Utc>>, Error> {
    if !after.state.is_running() {
        return Ok(None);
    }
    let same_time = before.priority == after.priority && before.timing.clock_from == after.timing.clock_from;
    if same_time && before.state.is_running() {
        return Ok(before.timing.due_at);
    }
    let since = after.timing.clock_from;
    let pauses = store::pause::of_ticket(&**txn, after.id, since).await?;
    let hours = app.config.hours(after.priority);
    Ok(Some(due(since, hours, &app.calendar, &pauses)))
}

/// The first deed of the hostel.
fn respond(before: &Ticket, after: &mut Ticket) {
    let was_untouched = matches!(before.state, State::Open) && after.timing.first_response_at.is_none();
    let is_deed = matches!(
        after.status(),
        Status::InProgress | Status::Waiting | Status::Resolved | Status::Merged
    );
    if was_untouched && is_deed {
        after.timing.first_response_at = Some(after.updated_at);
    }
}

/// What has more time than it had is not overdue any more; once it is again, that is told again.
fn forget_overdue(after: &mut Ticket) {
    let has_time = after.state.is_running() && after.timing.due_at.is_some_and(|due| due >= after.updated_at);
    if has_time {
        after.timing.overdue_at = None;
        after.timing.escalation = 0;
        after.timing.escalated_at = None;
    }
}
