//! Opening a roll call. That a block and year have one at a time is for the database to say.

use chrono::NaiveDate;
use kit::{
    access::Caller,
    events::outbox,
    idempotency::{self, Attempt},
};
use proto::attendance::{GenerateQrRequest, OpenedSession};
use sea_orm::DbErr;

use super::{App, close, code, place};
use crate::{
    Error,
    domain::{Closing, NewSession, Opening, Session},
    events,
    rpc::convert_sessions,
    store::{self, partitions},
};

const RPC: &str = "GenerateQr";
/// So often the open roll call that is in the way may be closed while we look which one it is.
const TRIES: usize = 3;

/// Opens a roll call; the answer is kept for repetitions of the request.
pub(crate) async fn open(
    app: &App,
    caller: &Caller,
    request: &GenerateQrRequest,
    new: NewSession,
) -> Result<OpenedSession, Error> {
    if let Some(answer) = app.answers.given(&app.db, caller, RPC, request).await? {
        return Ok(answer);
    }
    match open_new(app, caller, request, new).await {
        Ok(answer) => Ok(answer),
        // Another try of this request may have got there meanwhile, or a commit whose own answer was lost.
        Err(error) => match app.answers.given(&app.db, caller, RPC, request).await {
            Ok(Some(answer)) => Ok(answer),
            _ => Err(error),
        },
    }
}

async fn open_new(
    app: &App,
    caller: &Caller,
    request: &GenerateQrRequest,
    new: NewSession,
) -> Result<OpenedSession, Error> {
    let (by, _) = caller.user()?;
    let new = place::settled(app, caller, new).await?;
    let at = app.clock.now();
    let opening = Opening {
        id: app.clock.new_id(),
        handle: rand::random(),
        by,
        at,
        day: at.with_timezone(&app.timezone).date_naive(),
    };
    let session = new.open(opening);
    make_room(app, session.day).await?;
    for _ in 0..TRIES {
        match store_new(app, caller, request, &session).await? {
            Stored::Answer(answer) => return Ok(*answer),
            Stored::InTheWay => {}
        }
        let rival = store::session::open_of(app.db.reader(), &session.block_folded, session.year).await?;
        if let Some(rival) = rival.filter(|rival| !rival.is_over(app.clock.now())) {
            return Err(Error::SessionActive(rival.id));
        }
    }
    Err(Error::ChangedMeanwhile)
}

enum Stored {
    Answer(Box<OpenedSession>),
    /// The block and year have an open roll call.
    InTheWay,
}

/// One transaction: what is over is closed, the new one begins, both with their events.
async fn store_new(
    app: &App,
    caller: &Caller,
    request: &GenerateQrRequest,
    session: &Session,
) -> Result<Stored, Error> {
    let once = match idempotency::begin::<Vec<u8>>(&app.db, &app.clock, caller, RPC, request).await? {
        Attempt::First(once) => once,
        Attempt::Repeated(sealed) => {
            let answer = app.answers.opened(caller, RPC, &sealed)?;
            return Ok(Stored::Answer(Box::new(answer)));
        }
    };
    let before = store::session::open_of(&**once, &session.block_folded, session.year).await?;
    if let Some(over) = before.filter(|before| before.is_over(session.valid_from)) {
        close::end_in_txn(app, &super::ourselves(app), &once, &over, Closing::Time).await?;
    }
    match store::session::insert_in_txn(&once, session).await {
        Err(error) if store::session::is_rival(&error) => return Ok(Stored::InTheWay),
        inserted => inserted?,
    }
    outbox::add(&once, events::opened(&app.clock, caller, session)).await?;
    let answer = convert_sessions::opened(session, code::of(app, session).ok_or(Error::SessionClosed)?);
    once.commit(&app.answers.sealed(caller, RPC, &answer)).await?;
    app.memory.keep_sessions([session.clone()]);
    Ok(Stored::Answer(Box::new(answer)))
}

/// Makes room for the marks of a day, in a transaction of its own: making a part of a table locks the whole for a moment. Of two
/// at once the database refuses one, for whom the room is there when it looks again.
async fn make_room(app: &App, day: NaiveDate) -> Result<(), DbErr> {
    let mut tries = 1;
    loop {
        let txn = app.db.begin().await?;
        match partitions::make_room(&*txn, day).await {
            Ok(()) => return txn.commit().await,
            Err(error) if tries == TRIES => return Err(error),
            Err(error) => tracing::debug!(%error, %day, "somebody else makes room for this day"),
        }
        tries += 1;
    }
}
