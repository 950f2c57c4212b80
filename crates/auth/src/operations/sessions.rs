//! Where people are signed in: listing, ending, and who else is told of an end.

use chrono::Duration;
use kit::{access::Caller, db::Txn, events::outbox, page::Paging};
use proto::{auth::SessionEnd, types::Page};
use uuid::Uuid;

use super::App;
use crate::{
    Error, events,
    store::{
        self,
        session::{Alive, Session, Which},
    },
};

/// Sessions that end when the transaction commits: say so with [`App::sessions_ended`] then.
#[must_use = "whoever verifies tokens is to be told"]
#[derive(Debug, Default)]
pub(crate) struct Ended(pub(super) Vec<Uuid>);

/// Somebody's sessions as they see them.
pub(crate) struct Listing {
    pub sessions: Vec<Session>,
    pub page: Page,
    /// The one that asks.
    pub current: Uuid,
}

/// What a session must be to go on at this moment.
pub(super) fn alive(app: &App) -> Alive {
    let now = app.clock.now();
    let idle = app.config.session_idle_days;
    Alive {
        now,
        used_after: idle.map(|days| now - Duration::days(days.into())),
    }
}

/// How the table says why a session ended.
pub(super) fn reason(why: SessionEnd) -> String {
    why.as_str_name().trim_start_matches("SESSION_END_").to_lowercase()
}

/// Where the caller is signed in.
pub(crate) async fn list(app: &App, caller: &Caller, paging: Paging) -> Result<Listing, Error> {
    let present = app.person(caller).await?;
    let (sessions, total) = store::session::list(app.db.reader(), present.user.id, alive(app), paging).await?;
    Ok(Listing {
        sessions,
        page: paging.of(total),
        current: present.session,
    })
}

/// Ends one of the caller's sessions; somebody else's does not exist for them.
pub(crate) async fn end(app: &App, caller: &Caller, id: Uuid) -> Result<(), Error> {
    let ended = end_own(app, caller, |_| Which::Only(id)).await?;
    if ended == 0 { Err(Error::UnknownSession) } else { Ok(()) }
}

/// Ends all of the caller's sessions but the one that asks; how many those were.
pub(crate) async fn end_others(app: &App, caller: &Caller) -> Result<usize, Error> {
    end_own(app, caller, Which::AllBut).await
}

async fn end_own(app: &App, caller: &Caller, which: impl FnOnce(Uuid) -> Which) -> Result<usize, Error> {
    let present = app.person(caller).await?;
    let which = (present.user.id, which(present.session));
    let txn = app.db.begin().await?;
    let ended = end_in_txn(app, &txn, caller, which, SessionEnd::EndedByUser).await?;
    txn.commit().await?;
    app.sessions_ended(&ended);
    Ok(ended.0.len())
}

/// Nobody is signed in at more places than this: a further sign-in ends the session that was used the longest ago.
const MOST: u64 = 50;

/// Ends what a user has beyond the most sessions that anybody has.
pub(super) async fn end_beyond_most_in_txn(app: &App, txn: &Txn, caller: &Caller, user: Uuid) -> Result<Ended, Error> {
    let mut ended = Ended::default();
    for session in store::session::beyond(&**txn, user, alive(app), MOST).await? {
        let which = (user, Which::Only(session));
        ended
            .0
            .extend(end_in_txn(app, txn, caller, which, SessionEnd::TooMany).await?.0);
    }
    Ok(ended)
}

/// Ends sessions of a user, with their event.
pub(crate) async fn end_in_txn(
    app: &App,
    txn: &Txn,
    caller: &Caller,
    (user, which): (Uuid, Which),
    why: SessionEnd,
) -> Result<Ended, Error> {
    store::user::hold_in_txn(txn, user).await?;
    let ended = store::session::end_in_txn(txn, user, which, &reason(why), app.clock.now()).await?;
    if !ended.is_empty() {
        let version = store::user::next_version_in_txn(txn, user).await?;
        outbox::add(
            txn,
            events::sessions_ended(&app.clock, caller, (user, version), &ended, why),
        )
        .await?;
    }
    Ok(Ended(ended))
}
