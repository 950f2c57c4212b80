//! Changing a grievance: its status, how urgent it is, who works on it.

use kit::{Fault, access::Caller};
use proto::{grievance as message, options::Role};
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::{App, read, step::step_in_txn, view};
use crate::{
    Error,
    domain::{Priority, Resolution, State, Status, Ticket, TicketRef},
    store,
};

/// What somebody wants to change; what is `None` stays.
#[derive(Debug, Default)]
pub(crate) struct Wish {
    pub status: Option<Status>,
    pub priority: Option<Priority>,
    pub assigned_to: Option<Assignee>,
    /// The version that the caller has seen.
    pub version: Option<i64>,
}

/// Who is to work on it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Assignee {
    Nobody,
    Staff(Uuid),
}

impl Assignee {
    fn id(self) -> Option<Uuid> {
        match self {
            Self::Nobody => None,
            Self::Staff(id) => Some(id),
        }
    }
}

pub(crate) async fn change(
    app: &App,
    caller: &Caller,
    ticket: TicketRef,
    wish: &Wish,
) -> Result<message::Grievance, Error> {
    let (by, role) = caller.user()?;
    let txn = app.db.begin().await?;
    let before = read::find(app, &*txn, caller, ticket).await?;
    refuse_staff(role, wish)?;
    if wish.version.is_some_and(|seen| seen != before.version) {
        return Err(Error::stands(&before));
    }
    let mut state = before.state.clone();
    if let Some(status) = wish.status
        && status != before.status()
    {
        state = moved(app, by, &before, status)?;
    }
    let mut given = before.clone();
    if let Some(priority) = wish.priority {
        given.priority = priority;
    }
    if let Some(assignee) = wish.assigned_to.map(Assignee::id)
        && assignee != before.assigned_to
    {
        refuse_others(&*txn, assignee).await?;
        given.assigned_to = assignee;
    }
    let is_other = given != before;
    if is_other && !before.state.is_unfinished() {
        return Err(Error::stands(&before));
    }
    // Two steps, where there are two: each is told by an event of its own, and none hides the other.
    let given = step_in_txn(app, caller, &txn, &before, given).await?;
    let moved = Ticket { state, ..given.clone() };
    let after = step_in_txn(app, caller, &txn, &given, moved).await?;
    txn.commit().await?;
    view::whole(app, caller, &after).await
}

/// Staff begin what is assigned to them, and nothing else.
fn refuse_staff(role: Role, wish: &Wish) -> Result<(), Error> {
    let Wish {
        status,
        priority,
        assigned_to,
        ..
    } = wish;
    let begins = status.is_none_or(|status| status == Status::InProgress);
    if role != Role::Staff || (begins && priority.is_none() && assigned_to.is_none()) {
        return Ok(());
    }
    Err(Fault::forbidden("Staff may say that they have begun, with the status in_progress; wardens do the rest").into())
}

fn moved(app: &App, by: Uuid, ticket: &Ticket, status: Status) -> Result<State, Error> {
    let (state, now) = (ticket.state.clone(), app.clock.now());
    let moved = match status {
        Status::Open => state.put_back(),
        Status::InProgress => state.begin(),
        Status::Waiting => state.ask(now),
        Status::Resolved => state.resolve(Resolution {
            by,
            at: now,
            comments: None,
        }),
        // Nobody asks for these: requests are read before.
        Status::Closed | Status::Merged => return Err(Error::stands(ticket)),
    };
    moved.map_err(|refusal| Error::refusal(refusal, ticket))
}

/// Only active members of staff work on grievances.
async fn refuse_others(db: &impl ConnectionTrait, assignee: Option<Uuid>) -> Result<(), Error> {
    let Some(id) = assignee else { return Ok(()) };
    let person = store::person::find(db, id).await?;
    if person.is_some_and(|person| person.is_active_staff()) {
        return Ok(());
    }
    Err(Error::NotStaff)
}
