//! Registering some of a file's students at once: accounts reserved in one call, records committed in one transaction.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use kit::{access::Caller, fault::Violation};
use proto::auth::Reservation;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::{plan::New, store};
use crate::{
    Error,
    operations::{
        App,
        accounts::{self, Outcome},
        settle::{self, Answer},
    },
    store::intent::Intent,
};

/// Within what auth takes in one call, and a transaction that nobody waits long for.
const MOST: usize = 200;
/// Auth hashes these within the limit of a reservation, also where it is busy.
const MOST_PASSWORDS: usize = 5;
/// What two tries of a batch may take, with every call at its limit. Closer to the end none is begun.
const TAKES: Duration = Duration::from_secs(30);

/// What became of a new student.
pub(super) enum Fate {
    Created,
    Wrong(Violation),
    /// The value of this field is somebody else's, or is being registered elsewhere.
    Taken(&'static str),
}

/// What came of a batch, and what is still done for its accounts.
pub(super) struct Done {
    pub fates: Vec<(New, Fate)>,
    pub follow_up: JoinHandle<()>,
}

/// Cuts what is to be registered into batches.
pub(super) fn cut(all: Vec<New>) -> Vec<Vec<New>> {
    let (mut batches, mut batch, mut passwords) = (Vec::new(), Vec::new(), 0);
    for new in all {
        let has_password = usize::from(new.password.is_some());
        if batch.len() == MOST || passwords + has_password > MOST_PASSWORDS {
            batches.push(std::mem::take(&mut batch));
            passwords = 0;
        }
        passwords += has_password;
        batch.push(new);
    }
    if !batch.is_empty() {
        batches.push(batch);
    }
    batches
}

/// Whether whoever asked will not hear what comes of another batch.
pub(super) fn is_late(until: Option<Instant>) -> bool {
    until.is_some_and(|until| until.saturating_duration_since(Instant::now()) < TAKES)
}

/// Registers a batch, and tries it a second time where something fails that is not wrong with a row.
pub(super) async fn register(
    app: &Arc<App>,
    caller: &Caller,
    batch: Vec<New>,
    until: Option<Instant>,
) -> Result<Done, Error> {
    let mut again = batch.clone();
    match try_register(app, caller, batch).await {
        Err(error) if !is_late(until) => tracing::warn!(%error, "a batch of an import is tried again"),
        done => return done,
    }
    // Auth may still be about to do what it was asked the first time: that is of other accounts then.
    for new in &mut again {
        new.student.id = app.clock.new_id();
    }
    try_register(app, caller, again).await
}

async fn try_register(app: &Arc<App>, caller: &Caller, batch: Vec<New>) -> Result<Done, Error> {
    let intents: Vec<Intent> = batch.iter().map(|new| intent(app, new)).collect();
    settle::intend(app, &intents).await?;
    let reservations = batch.iter().map(reservation).collect();
    let outcomes = match accounts::reserve(app, caller, reservations).await {
        Ok(outcomes) => outcomes,
        Err(error) => {
            settle::undo_all(app, caller, &intents, Answer::Lost).await;
            return Err(error);
        }
    };
    let (mut granted, mut fates) = (Vec::new(), Vec::new());
    for ((new, outcome), intent) in batch.into_iter().zip(outcomes).zip(&intents) {
        match outcome {
            Outcome::Reserved => granted.push((new, intent.id)),
            Outcome::Taken(field) => fates.push((new, Fate::Taken(field))),
            Outcome::Refused(violation) => fates.push((new, Fate::Wrong(violation))),
        }
    }
    match store::commit(app, caller, granted).await {
        Ok(stored) => fates.extend(stored),
        Err(error) => {
            settle::undo_all(app, caller, &intents, Answer::Known).await;
            return Err(error);
        }
    }
    Ok(Done {
        follow_up: follow_up(app, caller, &fates, &intents),
        fates,
    })
}

/// Makes the accounts agree with what was committed and gives back the others, while the next batch is under way. What fails
/// of it happens later: the events and the job for intents see to it.
fn follow_up(app: &Arc<App>, caller: &Caller, fates: &[(New, Fate)], intents: &[Intent]) -> JoinHandle<()> {
    let (created, others): (Vec<_>, Vec<_>) = fates.iter().partition(|(_, fate)| matches!(fate, Fate::Created));
    let records: Vec<_> = created.iter().map(|(new, _)| accounts::record(&new.student)).collect();
    let others: HashSet<Uuid> = others.iter().map(|(new, _)| new.student.id).collect();
    let left = intents.iter().filter(|intent| others.contains(&intent.student_id));
    let left: Vec<Uuid> = left.map(|intent| intent.id).collect();
    let (app, caller) = (app.clone(), caller.clone());
    tokio::spawn(async move {
        if !left.is_empty() {
            settle::undo(&app, &caller, &left, Answer::Known).await;
        }
        if !records.is_empty()
            && let Err(error) = accounts::conform(&app, &caller, records).await
        {
            tracing::warn!(%error, "accounts agree with their records a moment later");
        }
    })
}

fn intent(app: &App, new: &New) -> Intent {
    Intent {
        id: app.clock.new_id(),
        student_id: new.student.id,
        request_key: None,
        begun_at: app.clock.now(),
    }
}

fn reservation(new: &New) -> Reservation {
    accounts::reservation(&new.student, new.password.clone())
}
