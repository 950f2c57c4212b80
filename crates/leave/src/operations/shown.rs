//! Leaves with all that is shown beside them: whose they are, what was decided, who went through the gate.

use std::collections::HashMap;

use kit::access::Caller;
use proto::{leave as message, options::Role};
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::App;
use crate::{
    Error,
    domain::{Decision, Guardian, Leave, Movement, Question, Student},
    rpc::convert,
    store,
};

/// A leave with all that is shown beside it.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub leave: Leave,
    /// `None` as long as nobody told of the student.
    pub student: Option<Student>,
    pub decisions: Vec<Decision>,
    pub movement: Option<Movement>,
    pub has_document: bool,
    /// What the guardian was asked last.
    pub question: Option<Question>,
}

/// These leaves as the caller is shown them, in the same order. In a transaction, where one is open: SQLite has one writer.
pub(crate) async fn all(
    app: &App,
    db: &impl ConnectionTrait,
    caller: &Caller,
    leaves: Vec<Leave>,
) -> Result<Vec<message::Leave>, Error> {
    let ids: Vec<Uuid> = leaves.iter().map(|leave| leave.id).collect();
    let roots: Vec<Uuid> = leaves.iter().map(|leave| leave.root_id).collect();
    let students: Vec<Uuid> = leaves.iter().map(|leave| leave.student_id).collect();
    let students = store::student::these(db, &students).await?;
    let mut decisions = store::decision::of(db, &app.private, &ids).await?;
    let movements = store::movement::of(db, &roots).await?;
    let with_document = store::document::among(db, &ids).await?;
    let for_gate = is_for_gate(caller);
    let asked = leaves.iter().filter(|leave| leave.guardian != Guardian::NONE);
    let asked: Vec<Uuid> = asked.map(|leave| leave.id).collect();
    let questions = if asked.is_empty() {
        HashMap::new()
    } else {
        store::guardian_link::questions(db, asked).await?
    };
    let shown = leaves.into_iter().map(|leave| {
        let shown = Shown {
            student: students.get(&leave.student_id).cloned(),
            decisions: decisions.remove(&leave.id).unwrap_or_default(),
            movement: movements.get(&leave.root_id).copied(),
            has_document: with_document.contains(&leave.id),
            question: questions.get(&leave.id).copied(),
            leave,
        };
        if for_gate {
            convert::leave_at_gate(&shown)
        } else {
            convert::leave(&shown)
        }
    });
    Ok(shown.collect())
}

/// A leave as the caller is shown it.
pub(crate) async fn one(
    app: &App,
    db: &impl ConnectionTrait,
    caller: &Caller,
    leave: Leave,
) -> Result<message::Leave, Error> {
    let id = leave.id;
    let shown = all(app, db, caller, vec![leave]).await?;
    shown.into_iter().next().ok_or(Error::Inconsistent {
        table: "leave",
        row: id,
        what: "it is not shown",
    })
}

/// Whether the caller sees no more than a gate needs.
fn is_for_gate(caller: &Caller) -> bool {
    caller.user().is_ok_and(|(_, role)| role == Role::Guard)
}
