//! Saying something about a grievance: an answer of its student lets it go on, a question of the hostel makes it wait.

use kit::{
    access::Caller,
    db::Txn,
    events::outbox,
    idempotency::{self, Attempt},
};
use proto::grievance::{self as message, AddCommentRequest};

use crate::{
    Error,
    domain::{Comment, Noted, Ticket, TicketRef},
    events,
    operations::{App, step, view},
    rpc::convert_comments,
    store,
};

const RPC: &str = "AddComment";

/// What somebody says.
pub(crate) struct NewComment {
    pub text: String,
    /// For the hostel alone.
    pub internal: bool,
    /// The grievance waits for the student from now on.
    pub asks: bool,
}

/// Of an internal note nobody is told, and the ticket stays as it was: not even its version tells that there is one.
pub(crate) async fn add(
    app: &App,
    caller: &Caller,
    request: &AddCommentRequest,
    ticket: TicketRef,
    new: NewComment,
) -> Result<message::GrievanceComment, Error> {
    let (author, author_role) = (caller.user()?.0, step::author(caller).1);
    // Before the transaction: who holds one connection must not wait for another.
    let names = view::names(app, &[author]).await?;
    let once = match idempotency::begin::<Vec<u8>>(&app.db, &app.clock, caller, RPC, request).await? {
        Attempt::First(once) => once,
        Attempt::Repeated(sealed) => return Ok(app.answers.opened(caller, RPC, &sealed)?),
    };
    // Held to the end: two who say something at once both do.
    let before = store::ticket::find_locked_in_txn(&once, caller, &app.named, ticket).await?;
    let before = before.ok_or(Error::UnknownTicket)?;
    let comment = Comment {
        id: app.clock.new_id(),
        ticket_id: before.id,
        author,
        author_role,
        text: new.text,
        internal: new.internal,
        created_at: app.clock.now(),
    };
    if comment.internal {
        note_in_txn(app, caller, &once, &before, &comment).await?;
    } else {
        talk_in_txn(app, caller, &once, &before, (&comment, new.asks)).await?;
    }
    let answer = convert_comments::comment(&comment, &before, view::sight_of(app, caller, &before), &names);
    once.commit(&app.answers.sealed(caller, RPC, &answer)).await?;
    Ok(answer)
}

/// What was said, and in the history that something was said.
async fn note_in_txn(app: &App, caller: &Caller, txn: &Txn, ticket: &Ticket, comment: &Comment) -> Result<(), Error> {
    store::comment::insert_in_txn(txn, comment).await?;
    let noted = Noted {
        field: "comments",
        before: None,
        after: Some(comment.id.to_string()),
    };
    let mut changes = step::changes(app, caller, ticket, &[noted]);
    for change in &mut changes {
        change.internal = comment.internal;
        change.changed_at = comment.created_at;
    }
    store::change::note_in_txn(txn, &changes).await?;
    Ok(())
}

/// What everybody hears: noted, told, and the ticket's next version.
pub(crate) async fn say_in_txn(
    app: &App,
    caller: &Caller,
    txn: &Txn,
    ticket: &Ticket,
    comment: &Comment,
) -> Result<Ticket, Error> {
    note_in_txn(app, caller, txn, ticket, comment).await?;
    let heard = step::touch_in_txn(app, caller, txn, ticket).await?;
    outbox::add(txn, events::commented(&app.clock, caller, &heard, comment)).await?;
    Ok(heard)
}

/// What is said may let the ticket wait or go on.
async fn talk_in_txn(
    app: &App,
    caller: &Caller,
    txn: &Txn,
    before: &Ticket,
    (comment, asks): (&Comment, bool),
) -> Result<(), Error> {
    if !before.state.is_talked_about() {
        return Err(Error::stands(before));
    }
    let is_student = view::is_student(caller);
    let mut heard = before.clone();
    if !is_student {
        let first = heard.timing.first_response_at;
        heard.timing.first_response_at = first.or(Some(comment.created_at));
    }
    let heard = say_in_txn(app, caller, txn, &heard, comment).await?;
    let mut after = heard.clone();
    if is_student {
        after.state = after.state.answer();
    } else if asks {
        let asked = after.state.ask(comment.created_at);
        after.state = asked.map_err(|refusal| Error::refusal(refusal, before))?;
    }
    step::step_in_txn(app, caller, txn, &heard, after).await?;
    Ok(())
}
