//! Grievances that are raised together are written together: one transaction, one wait for the disk and for the counter of the year, and
//! each caller told their own outcome.
//!
//! One task writes; the next ones gather while it does, so that nothing waits when there is little to do. Whatever was accepted is
//! written, or refused, before the task ends.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use kit::{
    Fault,
    access::Caller,
    db::Txn,
    fault::Kind,
    idempotency::{self, Place, Shared},
};
use proto::grievance::{Grievance, RaiseGrievanceRequest};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    Error,
    domain::Student,
    operations::{
        App,
        raise::{NewGrievance, RPC, Raising, place, raise_in_txn},
        view,
    },
    store,
};

/// So many are written at once.
const AT_ONCE: usize = 64;
/// So many wait at most.
const WAITING: usize = 512;
/// A transaction that takes longer is given up.
const LIMIT: Duration = Duration::from_secs(10);

/// Where grievances wait to be written.
pub(crate) struct Group {
    waiting: mpsc::Sender<Waiting>,
    taken: Mutex<mpsc::Receiver<Waiting>>,
}

/// A grievance that somebody wants to raise, and the request that says so.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub caller: Caller,
    pub student: Uuid,
    pub request: RaiseGrievanceRequest,
    pub new: NewGrievance,
}

struct Waiting {
    wanted: Wanted,
    told: oneshot::Sender<Result<Grievance, Fault>>,
}

impl Group {
    pub(crate) fn new() -> Self {
        let (waiting, taken) = mpsc::channel(WAITING);
        Self {
            waiting,
            taken: Mutex::new(taken),
        }
    }

    /// Writes a grievance with those that wait beside it; the answer to whoever raised it. A full queue is told at once.
    pub(crate) async fn raise(&self, wanted: Wanted) -> Result<Grievance, Error> {
        let full = |_| Fault::unavailable("Very many grievances are coming in at the moment, try again shortly");
        let lost = |_| {
            Err(Fault::unavailable(
                "The grievance could not be written, try again shortly",
            ))
        };
        let (told, outcome) = oneshot::channel();
        self.waiting.try_send(Waiting { wanted, told }).map_err(full)?;
        Ok(outcome.await.unwrap_or_else(lost)?)
    }

    /// Writes what waits, until told to stop and nothing waits any more.
    pub(crate) async fn run(&self, app: &App, stop: &CancellationToken) {
        let mut taken = self.taken.lock().await;
        let mut batch = Vec::with_capacity(AT_ONCE);
        loop {
            let more = tokio::select! {
                biased;
                more = taken.recv_many(&mut batch, AT_ONCE) => more,
                () = stop.cancelled(), if !taken.is_closed() => {
                    taken.close();
                    continue;
                }
            };
            if more == 0 {
                return;
            }
            write_and_tell(app, std::mem::take(&mut batch)).await;
        }
    }
}

/// One that cannot be written does not fail those beside it: then each is written by itself.
async fn write_and_tell(app: &App, batch: Vec<Waiting>) {
    let (together, again) = apart(batch);
    let (wanted, told): (Vec<Wanted>, Vec<_>) = together.into_iter().map(|one| (one.wanted, one.told)).unzip();
    match write(app, &wanted).await {
        Ok(answers) => {
            for (told, answer) in told.into_iter().zip(answers) {
                // Nobody may be listening any more.
                drop(told.send(Ok(answer)));
            }
        }
        // The database is away: asking it for each would keep all waiting for nothing, and what it last did is not known.
        Err(fault) if wanted.len() == 1 || fault.kind == Kind::Unavailable => {
            for told in told {
                drop(told.send(Err(fault.clone())));
            }
        }
        Err(_) => {
            for (wanted, told) in wanted.into_iter().zip(told) {
                tell_alone(app, Waiting { wanted, told }).await;
            }
        }
    }
    for one in again {
        tell_alone(app, one).await;
    }
}

async fn tell_alone(app: &App, one: Waiting) {
    let written = write(app, std::slice::from_ref(&one.wanted)).await;
    let lost = || Fault::internal("a grievance was written without an answer");
    let outcome = written.and_then(|mut answers| answers.pop().ok_or_else(lost));
    drop(one.told.send(outcome));
}

/// Those that can be written together, and those that repeat one of them: their answer is there once that one is written.
fn apart(batch: Vec<Waiting>) -> (Vec<Waiting>, Vec<Waiting>) {
    let mut keys = HashSet::new();
    batch.into_iter().partition(|one| {
        let key = idempotency::request_key(&one.wanted.caller, RPC);
        key.is_none_or(|key| keys.insert(key))
    })
}

async fn write(app: &App, wanted: &[Wanted]) -> Result<Vec<Grievance>, Fault> {
    metrics::histogram!("grievance_batch_tickets").record(u32::try_from(wanted.len()).unwrap_or(u32::MAX));
    let writing = tokio::time::timeout(LIMIT, commit(app, wanted));
    let late = |_| Err(Fault::unavailable("The grievance could not be written in time, try again shortly").into());
    Ok(writing.await.unwrap_or_else(late)?)
}

/// The answer to each, in their order.
async fn commit(app: &App, wanted: &[Wanted]) -> Result<Vec<Grievance>, Error> {
    let txn = app.db.begin().await?;
    let (mut first, mut answers) = (Vec::new(), Vec::new());
    for one in wanted {
        let begun = idempotency::begin_in_txn::<Vec<u8>>(&txn, &app.clock, &one.caller, RPC, &one.request).await?;
        answers.push(match begun {
            Shared::First(place) => {
                first.push((one, place));
                None
            }
            Shared::Repeated(sealed) => Some(app.answers.opened(&one.caller, RPC, &sealed)?),
        });
    }
    let mut new = answer_in_txn(app, &txn, first).await?.into_iter();
    let count = new.len() as u64;
    let answers = answers
        .into_iter()
        .filter_map(|repeated| repeated.or_else(|| new.next()));
    let answers = answers.collect();
    txn.commit().await?;
    metrics::counter!("grievances_raised_total").increment(count);
    Ok(answers)
}

/// Writes those that were not answered before; their answers, which are kept for repetitions.
async fn answer_in_txn(app: &App, txn: &Txn, first: Vec<(&Wanted, Place)>) -> Result<Vec<Grievance>, Error> {
    if first.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = first.iter().map(|(one, _)| one.student).collect();
    let students = store::student::some(&**txn, &ids).await?.into_iter();
    let students: HashMap<Uuid, Student> = students.map(|student| (student.id, student)).collect();
    let raising = first.iter().map(|(one, _)| Raising {
        caller: &one.caller,
        student: one.student,
        place: students.get(&one.student).and_then(place),
        new: one.new.clone(),
    });
    let tickets = raise_in_txn(app, txn, raising.collect()).await?;
    let mut answers = Vec::with_capacity(tickets.len());
    for (ticket, (one, place)) in tickets.iter().zip(first) {
        let told = view::new(app, ticket, students.get(&one.student).cloned());
        place.keep(txn, &app.answers.sealed(&one.caller, RPC, &told)).await?;
        answers.push(told);
    }
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::domain::Priority;

    #[test]
    fn what_waits_has_a_bound() {
        let group = Group::new();
        let wanted = Wanted {
            caller: Caller::service("tests", String::new()),
            student: Uuid::nil(),
            request: RaiseGrievanceRequest::default(),
            new: NewGrievance {
                category: "other".to_owned(),
                sub_category: None,
                priority: Priority::Low,
                description: "It is out of order.".to_owned(),
                sensitive: false,
            },
        };
        let mut waiting = Vec::new();
        for _ in 0..WAITING {
            let mut raising = Box::pin(group.raise(wanted.clone()));
            assert!(raising.as_mut().now_or_never().is_none());
            waiting.push(raising);
        }
        let refused = group.raise(wanted).now_or_never().unwrap().unwrap_err();
        assert_eq!(Fault::from(refused).kind, Kind::Unavailable);
    }
}
