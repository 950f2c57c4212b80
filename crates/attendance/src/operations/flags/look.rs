//! Looking for what is odd among the scans that came in lately. Several replicas look, and the database keeps each once.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, Utc};
use kit::{access::Caller, events::outbox, ticks::Ticks};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    Error,
    domain::{Oddity, Sighting, in_session, of_student},
    events::device as events,
    operations::App,
    store,
};

/// Scans that were stored while nobody looked, at most.
const FIRST_LOOK: chrono::Duration = chrono::Duration::minutes(30);
/// Each look goes back a little further than the one before ended: commits come out of order.
const OVERLAP: chrono::Duration = chrono::Duration::seconds(30);
/// Scans of phones that were offline come in a day after the roll call at most.
const RECENT: chrono::Duration = chrono::Duration::hours(48);
/// How far back the scans of a student are held against each other.
const OF_A_STUDENT: chrono::Duration = chrono::Duration::hours(24);

/// Looks again and again, until told to stop.
pub(crate) async fn regularly(app: &App, stop: &CancellationToken) {
    let mut ticks = Ticks::every(Duration::from_secs(app.config.odd_every_seconds.into()), stop);
    let mut since = app.clock.now() - FIRST_LOOK;
    while ticks.next().await {
        let now = app.clock.now();
        match look(app, since).await {
            Ok(()) => since = since.max(now - OVERLAP),
            Err(error) => tracing::warn!(%error, "scans could not be looked through, trying again later"),
        }
    }
}

/// Looks through the roll calls in which somebody tried since then.
async fn look(app: &App, since: DateTime<Utc>) -> Result<(), Error> {
    let (db, now) = (app.db.reader(), app.clock.now());
    for session in store::flag::sessions_tried_since(db, now - RECENT, since).await? {
        let tries = store::flag::tries_of_session(db, &session).await?;
        let many = usize::try_from(app.config.old_codes).unwrap_or(usize::MAX);
        let mut found = in_session(&tries, many);
        let mut lately: Vec<Uuid> = tries
            .iter()
            .filter(|one| one.received_at >= since)
            .map(|one| one.student_id)
            .collect();
        lately.sort_unstable();
        lately.dedup();
        let theirs = store::flag::tries_of_students(db, &lately, now - OF_A_STUDENT).await?;
        for tries in by_student(theirs).into_values() {
            found.append(&mut of_student(&tries, app.config.travel_kmh));
        }
        keep(app, &found).await?;
    }
    Ok(())
}

fn by_student(tries: Vec<Sighting>) -> BTreeMap<Uuid, Vec<Sighting>> {
    let mut students: BTreeMap<Uuid, Vec<Sighting>> = BTreeMap::new();
    for one in tries {
        students.entry(one.student_id).or_default().push(one);
    }
    students
}

async fn keep(app: &App, found: &[Oddity]) -> Result<(), Error> {
    if found.is_empty() {
        return Ok(());
    }
    let caller = Caller::service("attendance", app.clock.new_id().to_string());
    let txn = app.db.begin().await?;
    for oddity in found {
        let raised = store::flag::raise_in_txn(&txn, app.clock.new_id(), oddity, app.clock.now()).await?;
        if let Some(flag) = raised {
            outbox::add(&txn, events::flag_changed(&app.clock, &caller, &flag)).await?;
        }
    }
    txn.commit().await?;
    Ok(())
}
