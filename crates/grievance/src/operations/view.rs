//! Grievances as answers tell them: with what is known of students, staff and targets, as far as the caller is told.

use std::collections::HashMap;

use kit::access::{Caller, Identity};
use proto::{grievance as message, options::Role};
use uuid::Uuid;

use super::App;
use crate::{
    Error,
    domain::{Person, Sight, State, Student, Ticket, sight},
    rpc::convert_tickets,
    store,
};

/// What is told beside a ticket.
#[derive(Default)]
pub(crate) struct Beside {
    pub students: HashMap<Uuid, Student>,
    pub people: HashMap<Uuid, Person>,
    /// Those that others were merged into.
    pub targets: HashMap<Uuid, Ticket>,
}

/// How much a caller is told of a ticket that they may see.
pub(crate) fn sight_of(app: &App, caller: &Caller, ticket: &Ticket) -> Sight {
    match caller.identity {
        Identity::User { id, role, .. } => sight(ticket, (id, role), &app.named),
        Identity::Service { .. } => Sight::Whole,
        Identity::Nobody => Sight::Anonymous,
    }
}

/// Whether a caller is the student whom internal notes are kept from.
pub(crate) fn is_student(caller: &Caller) -> bool {
    matches!(
        caller.identity,
        Identity::User {
            role: Role::Student,
            ..
        }
    )
}

/// A ticket that was just raised, as its student is told.
pub(crate) fn new(app: &App, ticket: &Ticket, student: Option<Student>) -> message::Grievance {
    let beside = Beside {
        students: student.into_iter().map(|student| (student.id, student)).collect(),
        ..Beside::default()
    };
    convert_tickets::grievance(app, ticket, Sight::Whole, &beside)
}

/// One, with its pictures.
pub(crate) async fn whole(app: &App, caller: &Caller, ticket: &Ticket) -> Result<message::Grievance, Error> {
    let beside = beside(app, std::slice::from_ref(ticket)).await?;
    let images = store::image::of_ticket(app.db.reader(), ticket.id).await?;
    let told = convert_tickets::grievance(app, ticket, sight_of(app, caller, ticket), &beside);
    Ok(convert_tickets::with_images(app, told, &images))
}

/// Several, without their pictures.
pub(crate) async fn many(app: &App, caller: &Caller, tickets: &[Ticket]) -> Result<Vec<message::Grievance>, Error> {
    let beside = beside(app, tickets).await?;
    let told = |ticket: &Ticket| convert_tickets::grievance(app, ticket, sight_of(app, caller, ticket), &beside);
    Ok(tickets.iter().map(told).collect())
}

/// The names of those who did something, students and others.
pub(crate) async fn names(app: &App, ids: &[Uuid]) -> Result<HashMap<Uuid, String>, Error> {
    let db = app.db.reader();
    let people = store::person::some(db, ids).await?.into_iter();
    let students = store::student::some(db, ids).await?.into_iter();
    let people = people.map(|person| (person.id, person.name));
    Ok(people
        .chain(students.map(|student| (student.id, student.name)))
        .collect())
}

async fn beside(app: &App, tickets: &[Ticket]) -> Result<Beside, Error> {
    let db = app.db.reader();
    let students: Vec<Uuid> = tickets.iter().map(|ticket| ticket.student_id).collect();
    let people: Vec<Uuid> = tickets.iter().filter_map(|ticket| ticket.assigned_to).collect();
    let target = |ticket: &Ticket| match ticket.state {
        State::Merged { into, .. } => Some(into),
        _ => None,
    };
    let targets: Vec<Uuid> = tickets.iter().filter_map(target).collect();
    let students = store::student::some(db, &students).await?;
    let people = store::person::some(db, &people).await?;
    let targets = store::ticket::some(db, &targets).await?;
    Ok(Beside {
        students: students.into_iter().map(|student| (student.id, student)).collect(),
        people: people.into_iter().map(|person| (person.id, person)).collect(),
        targets: targets.into_iter().map(|ticket| (ticket.id, ticket)).collect(),
    })
}
