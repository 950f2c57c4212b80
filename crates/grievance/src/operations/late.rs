//! Telling that grievances are past due: once when they are, and the next in the chain each time that nothing has happened for a while.
//!
//! Several processes look; a ticket that another one was faster with is of another version by then.

use chrono::{DateTime, Duration, Utc};
use kit::access::Caller;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{App, step::step_in_txn};
use crate::{
    Error,
    domain::{Ticket, Timing, due},
    store::{
        self,
        ticket::late::{self, Steps},
    },
};

/// So many are read at once.
const A_BATCH: u64 = 200;

/// Tells of each one past due that it is.
pub(crate) async fn announce(app: &App, stop: &CancellationToken) -> Result<(), Error> {
    let now = app.clock.now();
    let mut after = Uuid::nil();
    loop {
        let found = late::untold(app.db.reader(), now, after, A_BATCH).await?;
        for ticket in &found {
            if stop.is_cancelled() {
                return Ok(());
            }
            let announced = Timing {
                overdue_at: Some(now),
                ..ticket.timing.clone()
            };
            tell(app, ticket, announced).await;
        }
        match found.last() {
            Some(last) if found.len() as u64 == A_BATCH => after = last.id,
            _ => return Ok(()),
        }
    }
}

/// Tells the next ones of each for which the last were told long enough ago.
pub(crate) async fn escalate(app: &App, stop: &CancellationToken) -> Result<(), Error> {
    let now = app.clock.now();
    let steps = |sensitive| u8::try_from(app.config.chain(sensitive).len().saturating_sub(1)).unwrap_or(u8::MAX);
    let most = Steps {
        plain: steps(false),
        sensitive: steps(true),
    };
    // Working hours are plain hours at least: no other one can be due to it.
    let before = now - Duration::hours(app.config.escalate_after_hours.into());
    let mut after = Uuid::nil();
    loop {
        let found = late::told_before(app.db.reader(), (most, before), after, A_BATCH).await?;
        for ticket in &found {
            if stop.is_cancelled() {
                return Ok(());
            }
            if escalates_at(app, ticket).await?.is_some_and(|at| at <= now) {
                let escalated = Timing {
                    escalation: ticket.timing.escalation.saturating_add(1),
                    escalated_at: Some(now),
                    ..ticket.timing.clone()
                };
                tell(app, ticket, escalated).await;
            }
        }
        match found.last() {
            Some(last) if found.len() as u64 == A_BATCH => after = last.id,
            _ => return Ok(()),
        }
    }
}

/// When the next ones are told, in working time after the last were.
async fn escalates_at(app: &App, ticket: &Ticket) -> Result<Option<DateTime<Utc>>, Error> {
    let Some(told_at) = ticket.timing.escalated_at.or(ticket.timing.overdue_at) else {
        return Ok(None);
    };
    let pauses = store::pause::of_ticket(app.db.reader(), ticket.id, told_at).await?;
    let hours = app.config.escalate_after_hours;
    Ok(Some(due(told_at, hours, &app.calendar, &pauses)))
}

/// One that cannot be told of does not keep the others back.
async fn tell(app: &App, ticket: &Ticket, timing: Timing) {
    let told = Ticket {
        timing,
        ..ticket.clone()
    };
    match step(app, ticket, told).await {
        Ok(()) => {}
        Err(Error::Stands(_)) => tracing::debug!(ticket = %ticket.number, "it changed meanwhile"),
        Err(error) => tracing::warn!(ticket = %ticket.number, %error, "an overdue grievance is not told of for now"),
    }
}

async fn step(app: &App, before: &Ticket, after: Ticket) -> Result<(), Error> {
    let ourselves = Caller::service("grievance", app.clock.new_id().to_string());
    let txn = app.db.begin().await?;
    step_in_txn(app, &ourselves, &txn, before, after).await?;
    txn.commit().await?;
    Ok(())
}
