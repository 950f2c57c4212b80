//! What a guardian is shown, and what they answer.

use kit::{access::Caller, events::outbox};

use super::{pages, token};
use crate::{
    Error,
    domain::{Leave, LinkRefusal},
    events,
    operations::App,
    store::{self, guardian_link::Link},
};

/// The page behind a link that is good. Nothing changes.
pub(crate) async fn show(app: &App, token: &str) -> Result<String, Error> {
    let db = app.db.reader();
    let link = usable(app, store::guardian_link::find(db, &token::hash(token)).await?)?;
    let leave = store::leave::find(db, &app.private, link.leave_id).await?;
    let leave = leave.ok_or(Error::Link(LinkRefusal::Unknown))?;
    // Whoever could answer nothing is asked nothing.
    let leave = leave
        .clone()
        .answer(true, app.clock.now())
        .map(|_| leave)
        .map_err(Error::Refused)?;
    let student = store::student::find(db, leave.student_id).await?;
    Ok(pages::question(app, &leave, student.as_ref(), link.expires_at))
}

/// Takes a guardian's answer; the link is used up with it.
pub(crate) async fn answer(app: &App, caller: &Caller, token: &str, agrees: bool) -> Result<String, Error> {
    let (now, hash) = (app.clock.now(), token::hash(token));
    let txn = app.db.begin().await?;
    let link = usable(app, store::guardian_link::find(&*txn, &hash).await?)?;
    if !store::guardian_link::use_in_txn(&txn, &hash, now).await? {
        return Err(Error::Link(LinkRefusal::Used));
    }
    let found = store::leave::find(&*txn, &app.private, link.leave_id).await?;
    let root_id = found.ok_or(Error::Link(LinkRefusal::Unknown))?.root_id;
    store::leave::hold_chain_in_txn(&txn, root_id).await?;
    // What was read while this waited may be old.
    let before = store::leave::find(&*txn, &app.private, link.leave_id).await?;
    let before = before.ok_or(Error::Link(LinkRefusal::Unknown))?;
    let after = before.clone().answer(agrees, now).map_err(Error::Refused)?;
    let after = store::leave::change_in_txn(&txn, &before, after).await?;
    let after: Leave = after.ok_or(Error::ChangedMeanwhile)?;
    outbox::add(&txn, events::answered(&app.clock, caller, &after, agrees)).await?;
    let student = store::student::find(&*txn, after.student_id).await?;
    let page = pages::answered(&after, student.as_ref(), agrees);
    txn.commit().await?;
    Ok(page)
}

fn usable(app: &App, link: Option<Link>) -> Result<Link, Error> {
    let link = link.ok_or(Error::Link(LinkRefusal::Unknown))?;
    if link.used_at.is_some() {
        return Err(Error::Link(LinkRefusal::Used));
    }
    if link.expires_at <= app.clock.now() {
        return Err(Error::Link(LinkRefusal::Expired));
    }
    Ok(link)
}
