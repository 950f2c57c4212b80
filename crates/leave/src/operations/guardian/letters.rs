//! Sends letters to guardians: takes one up for a while, writes it, hands it over, and takes it off the queue.
//!
//! The row decides who sends a letter, also between processes. It is sent twice only when a process dies, or its database
//! goes away, between handing it over and taking it off; it is the same letter then, with the same link.

use std::time::Duration;

use kit::{Fault, port::PortError};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{ask::Order, pages};
use crate::{
    Error,
    domain::{GuardianState, Leave, StateName},
    operations::App,
    store::{
        self,
        guardian_link::{End, Letter},
    },
};

/// For so long a letter is taken up; nobody else touches it then.
const LEASE: chrono::Duration = chrono::Duration::seconds(60);
/// Writing and sending one letter ends before its lease does.
const WORK_LIMIT: Duration = Duration::from_secs(45);
const FIRST_WAIT: i64 = 10;
const LONGEST_WAIT: i64 = 1800;
/// How many times somebody else may be quicker before it is looked again later.
const CLAIM_TRIES: usize = 10;

/// Sends all letters that are due, until told to stop.
pub(crate) async fn send_due(app: &App, stop: &CancellationToken) -> Result<(), Error> {
    while !stop.is_cancelled() {
        let Some(letter) = next(app).await? else {
            return Ok(());
        };
        tokio::select! {
            () = handle(app, &letter) => {}
            // Its lease ends by itself, and then it is due again.
            () = stop.cancelled() => {}
        }
    }
    Ok(())
}

/// Takes up the letter that is due for the longest time.
async fn next(app: &App) -> Result<Option<Letter>, Error> {
    for _ in 0..CLAIM_TRIES {
        let now = app.clock.now();
        let Some(id) = store::guardian_link::due(app.db.reader(), now).await? else {
            return Ok(None);
        };
        let claimed = store::guardian_link::claim(&app.db, id, now, now + LEASE).await?;
        if claimed.is_some() {
            return Ok(claimed);
        }
    }
    Ok(None)
}

/// Sends a letter that was taken up, and writes down what came of it. Ids are told, addresses never.
async fn handle(app: &App, letter: &Letter) {
    let (leave, tries) = (letter.leave_id, letter.tries);
    let settled = match timeout(WORK_LIMIT, send(app, letter)).await {
        Ok(Ok(end)) => store::guardian_link::done(&app.db, letter.id, end).await,
        Ok(Err(error)) if is_final(&error) => {
            tracing::warn!(%leave, tries, %error, "a letter to a guardian was given up");
            store::guardian_link::done(&app.db, letter.id, End::Failed(app.clock.now())).await
        }
        Ok(Err(error)) => {
            tracing::info!(%leave, tries, %error, "a letter to a guardian could not be sent, trying again");
            store::guardian_link::put_off(&app.db, letter, app.clock.now() + wait_after(tries)).await
        }
        Err(_) => {
            tracing::warn!(%leave, tries, "a letter to a guardian was not taken in time, trying again");
            Ok(())
        }
    };
    if let Err(error) = settled {
        tracing::warn!(%leave, %error, "what came of a letter to a guardian cannot be written down");
    }
}

/// Whether the same letter would fail again.
fn is_final(error: &Error) -> bool {
    matches!(
        error,
        Error::Port(PortError::Refused { .. }) | Error::Sealed(_) | Error::Inconsistent { .. }
    )
}

/// Doubling, up to half an hour: in the end the link is too old.
fn wait_after(tries: i32) -> chrono::Duration {
    let doublings = u32::try_from(tries - 1).unwrap_or_default().min(10);
    chrono::Duration::seconds((FIRST_WAIT << doublings).min(LONGEST_WAIT))
}

/// Writes and hands over a letter; what became of it.
async fn send(app: &App, letter: &Letter) -> Result<End, Error> {
    let db = app.db.reader();
    let leave = store::leave::find(db, &app.private, letter.leave_id).await?;
    let Some(leave) = leave.filter(is_open) else {
        return Ok(End::Needless);
    };
    if letter.expires_at <= app.clock.now() {
        tracing::warn!(leave = %letter.leave_id, "a letter to a guardian waited too long and is not sent");
        return Ok(End::Failed(app.clock.now()));
    }
    let order = app.private.open(&letter.sealed, letter.id.as_bytes())?;
    let order: Order = serde_json::from_slice(&order).map_err(Fault::internal)?;
    let student = store::student::find(db, leave.student_id).await?;
    let to = (order.to.as_str(), order.token.as_str());
    let written = pages::letter(app, letter.id, to, &leave, student.as_ref(), letter.expires_at);
    app.mail.send(&written).await?;
    Ok(End::Sent(app.clock.now()))
}

fn is_open(leave: &Leave) -> bool {
    leave.state.name() == StateName::Pending && leave.guardian.state == GuardianState::Asked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_half_an_hour() {
        let waits: Vec<i64> = (1..=10).map(|tries| wait_after(tries).num_seconds()).collect();
        assert_eq!(waits, [10, 20, 40, 80, 160, 320, 640, 1280, 1800, 1800]);
        assert_eq!(wait_after(i32::MAX).num_seconds(), 1800);
        assert!(WORK_LIMIT + Duration::from_secs(10) < LEASE.to_std().unwrap());
    }
}
