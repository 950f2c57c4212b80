//! Raising a grievance.

use kit::{
    access::Caller,
    db::Txn,
    events::outbox,
    idempotency::{self, Attempt},
};
use proto::grievance::{self as message, RaiseGrievanceRequest};
use uuid::Uuid;

use super::{App, step, view};
use crate::{
    Error,
    domain::{Noted, Place, Priority, State, Student, Ticket, TicketNumber, Timing, due},
    events, store,
};

const RPC: &str = "RaiseGrievance";

/// What a student says.
pub(crate) struct NewGrievance {
    pub category: String,
    pub sub_category: Option<String>,
    pub priority: Priority,
    pub description: String,
    /// Of itself, or by its category.
    pub sensitive: bool,
}

/// Numbers have no gaps, so whoever takes one makes the others wait until the end of the transaction: everything that can be written
/// without it is written before.
pub(crate) async fn raise(
    app: &App,
    caller: &Caller,
    request: &RaiseGrievanceRequest,
    new: NewGrievance,
) -> Result<message::Grievance, Error> {
    let (student_id, _) = caller.user()?;
    let once = match idempotency::begin::<Vec<u8>>(&app.db, &app.clock, caller, RPC, request).await? {
        Attempt::First(once) => once,
        Attempt::Repeated(sealed) => return Ok(app.answers.opened(caller, RPC, &sealed)?),
    };
    let student = store::student::find(&**once, student_id).await?;
    let place = student.as_ref().and_then(place);
    let ticket = raise_in_txn(app, caller, &once, (student_id, place), new).await?;
    let answer = view::new(app, &ticket, student);
    once.commit(&app.answers.sealed(caller, RPC, &answer)).await?;
    metrics::counter!("grievances_raised_total").increment(1);
    Ok(answer)
}

/// A ticket of a student who lives there.
pub(super) async fn raise_in_txn(
    app: &App,
    caller: &Caller,
    txn: &Txn,
    (student, place): (Uuid, Option<Place>),
    new: NewGrievance,
) -> Result<Ticket, Error> {
    let raised = Noted {
        field: "status",
        before: None,
        after: Some(State::Open.status().as_str().to_owned()),
    };
    let mut ticket = ticket(app, student, place, new);
    let changes = step::changes(app, caller, &ticket, &[raised]);
    store::change::note_in_txn(txn, &changes).await?;
    ticket.number = store::number::next_in_txn(txn, app.year(ticket.created_at)).await?;
    store::ticket::insert_in_txn(txn, &ticket).await?;
    outbox::add(txn, events::raised(&app.clock, caller, &ticket)).await?;
    Ok(ticket)
}

fn place(student: &Student) -> Option<Place> {
    Some(Place {
        block: student.block.clone()?,
        room_no: student.room_no.clone()?,
    })
}

/// The ticket as it begins, with no number yet.
fn ticket(app: &App, student_id: Uuid, place: Option<Place>, new: NewGrievance) -> Ticket {
    let now = app.clock.now();
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
