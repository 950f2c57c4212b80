//! Raising grievances.

use chrono::{DateTime, Utc};
use kit::{access::Caller, db::Txn, events::outbox};
use proto::grievance::{self as message, RaiseGrievanceRequest};
use uuid::Uuid;

use super::{App, step};
use crate::{
    Error,
    domain::{Noted, Place, Priority, State, Student, Ticket, TicketNumber, Timing, due},
    events,
    group::Wanted,
    store,
};

pub(crate) const RPC: &str = "RaiseGrievance";

/// What a student says.
#[derive(Clone, Debug)]
pub(crate) struct NewGrievance {
    pub category: String,
    pub sub_category: Option<String>,
    pub priority: Priority,
    pub description: String,
    /// Of itself, or by its category.
    pub sensitive: bool,
}

/// A grievance that is about to be written.
pub(crate) struct Raising<'a> {
    pub caller: &'a Caller,
    pub student: Uuid,
    pub place: Option<Place>,
    pub new: NewGrievance,
}

/// With those that are raised at the same time. What was answered before is answered again at once.
pub(crate) async fn raise(
    app: &App,
    caller: Caller,
    request: RaiseGrievanceRequest,
    new: NewGrievance,
) -> Result<message::Grievance, Error> {
    let (student, _) = caller.user()?;
    if let Some(answer) = app.answers.given(&app.db, &caller, RPC, &request).await? {
        return Ok(answer);
    }
    let wanted = Wanted {
        caller,
        student,
        request,
        new,
    };
    app.group.raise(wanted).await
}

/// Writes some tickets, one at least, with numbers that follow one another. Numbers have no gaps, so whoever takes some makes others wait
/// until the end of the transaction: what can be written without them is written before.
pub(crate) async fn raise_in_txn(app: &App, txn: &Txn, raising: Vec<Raising<'_>>) -> Result<Vec<Ticket>, Error> {
    let now = app.clock.now();
    let raised = Noted {
        field: "status",
        before: None,
        after: Some(State::Open.status().as_str().to_owned()),
    };
    let (mut tickets, mut changes, mut callers) = (Vec::new(), Vec::new(), Vec::new());
    for one in raising {
        let ticket = ticket(app, now, (one.student, one.place), one.new);
        changes.extend(step::changes(app, one.caller, &ticket, std::slice::from_ref(&raised)));
        tickets.push(ticket);
        callers.push(one.caller);
    }
    store::change::note_in_txn(txn, &changes).await?;
    let numbers = store::number::next_in_txn(txn, app.year(now), tickets.len()).await?;
    for (ticket, number) in tickets.iter_mut().zip(numbers) {
        ticket.number = number;
    }
    store::ticket::insert_in_txn(txn, &tickets).await?;
    let told = callers.iter().zip(&tickets);
    let events = told.map(|(caller, ticket)| events::raised(&app.clock, caller, ticket));
    outbox::add_many(txn, events).await?;
    Ok(tickets)
}

/// Where a student lives.
pub(crate) fn place(student: &Student) -> Option<Place> {
    Some(Place {
        block: student.block.clone()?,
        room_no: student.room_no.clone()?,
    })
}

/// The ticket as it begins, with no number yet.
fn ticket(app: &App, now: DateTime<Utc>, (student_id, place): (Uuid, Option<Place>), new: NewGrievance) -> Ticket {
    Ticket {
        id: app.clock.new_id(),
        number: TicketNumber { year: 0, number: 0 },
        version: 1,
        student_id,
        place,
        category: new.category,
        sub_category: new.sub_category,
        priority: new.priority,
        description: new.description,
        sensitive: new.sensitive,
        state: State::Open,
        assigned_to: None,
        timing: Timing {
            clock_from: now,
            due_at: Some(due(now, app.config.hours(new.priority), &app.calendar, &[])),
            overdue_at: None,
            escalation: 0,
            escalated_at: None,
            first_response_at: None,
        },
        rating: None,
        created_at: now,
        updated_at: now,
    }
}
