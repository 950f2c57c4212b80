//! What was reserved in auth for records that did not come: given back.

use chrono::Duration;
use kit::{access::Caller, fault::Kind};
use proto::auth::AccountRecord;
use proto::auth::Reservation;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    App,
    accounts::{self, Outcome},
};
use crate::{
    Error,
    store::{self, intent::Intent},
};

/// How long whoever gave up on an intent has to see it through before somebody else does.
const TAKEN_OVER_AFTER: Duration = Duration::seconds(30);
/// Intents of one go; within what auth takes in one call.
const A_GO: u64 = 200;
/// So many goes at a time; what is left waits for the next.
const MOST_GOES: usize = 50;

/// What auth said to the reservation that is undone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Answer {
    /// It answered, or was never asked.
    Known,
    /// It did not, and may still be about to reserve.
    Lost,
}

/// Writes down what is about to be reserved.
pub(crate) async fn intend(app: &App, intents: &[Intent]) -> Result<(), Error> {
    let txn = app.db.begin().await?;
    store::intent::add_in_txn(&txn, intents).await?;
    txn.commit().await?;
    Ok(())
}

/// Reserves an account and does the `work` that commits its record, which must complete the intent; or gives everything back.
pub(crate) async fn with_reservation<T>(
    app: &App,
    caller: &Caller,
    intent: Intent,
    reservation: Reservation,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    intend(app, std::slice::from_ref(&intent)).await?;
    let (answer, granted) = match accounts::reserve(app, caller, vec![reservation]).await {
        Ok(outcomes) => (Answer::Known, outcomes.into_iter().try_for_each(Outcome::granted)),
        Err(error) => (Answer::Lost, Err(error)),
    };
    let done = match granted {
        Ok(()) => work.await,
        Err(error) => Err(error),
    };
    match &done {
        Ok(_) => {}
        // Somebody gave up on it, and what auth reserved after that is still there.
        Err(Error::TooSlow) => logged(1, agree(app, caller, &[intent]).await),
        Err(_) => undo(app, caller, &[intent.id], answer).await,
    }
    done
}

/// Gives back what was reserved for records that are not committed. What fails here is left to [`overdue`].
pub(crate) async fn undo(app: &App, caller: &Caller, intents: &[Uuid], answer: Answer) {
    logged(intents.len(), try_undo(app, caller, intents, answer).await);
}

/// The same for records of which none was committed, also for those that somebody else gave up on before auth reserved them.
pub(crate) async fn undo_all(app: &App, caller: &Caller, intents: &[Intent], answer: Answer) {
    let ids: Vec<Uuid> = intents.iter().map(|intent| intent.id).collect();
    undo(app, caller, &ids, answer).await;
    logged(intents.len(), agree(app, caller, intents).await);
}

fn logged(count: usize, undone: Result<(), Error>) {
    if let Err(error) = undone {
        tracing::warn!(count, %error, "what was reserved in auth is given back later");
    }
}

async fn try_undo(app: &App, caller: &Caller, intents: &[Uuid], answer: Answer) -> Result<(), Error> {
    let txn = app.db.begin().await?;
    // A commit whose answer was lost may have happened: then there is nothing to undo.
    let abandoned = store::intent::abandon_in_txn(&txn, intents, app.clock.now()).await?;
    txn.commit().await?;
    agree(app, caller, &abandoned).await?;
    match answer {
        Answer::Known => forget(app, &abandoned).await,
        // What auth may still reserve after this is given back once it is sure to be done.
        Answer::Lost => Ok(()),
    }
}

/// Sees intents through that nobody came back to.
pub(crate) async fn overdue(app: &App, stop: &CancellationToken) -> Result<(), Error> {
    for _ in 0..MOST_GOES {
        let now = app.clock.now();
        let begun = now - Duration::seconds(app.config.registration_seconds.into());
        let txn = app.db.begin().await?;
        let claimed = store::intent::claim_in_txn(&txn, (begun, now - TAKEN_OVER_AFTER), now, A_GO).await?;
        txn.commit().await?;
        if claimed.is_empty() || stop.is_cancelled() {
            break;
        }
        let caller = Caller::service("students", app.clock.new_id().to_string());
        agree(app, &caller, &claimed).await?;
        forget(app, &claimed).await?;
        tracing::info!(
            count = claimed.len(),
            "what was reserved in auth and not used is given back"
        );
    }
    Ok(())
}

/// Makes accounts agree with what there is of their records: nothing, or what they were before.
async fn agree(app: &App, caller: &Caller, intents: &[Intent]) -> Result<(), Error> {
    for some in intents.chunks(accounts::MOST_AT_ONCE) {
        let ids = || some.iter().map(|intent| intent.student_id);
        let students = store::student::by_ids(app.db.reader(), &app.private, ids()).await?;
        let record = |id| match students.iter().find(|student| student.id == id) {
            Some(student) => accounts::record(student),
            None => accounts::gone(id),
        };
        agree_one_by_one_if_need_be(app, caller, ids().map(record).collect()).await?;
    }
    Ok(())
}

/// One account that cannot agree stands in nobody's way: its address is another's by now, and people must look at it.
async fn agree_one_by_one_if_need_be(app: &App, caller: &Caller, records: Vec<AccountRecord>) -> Result<(), Error> {
    let cannot = |error: &Error| matches!(error, Error::Fault(fault) if fault.kind == Kind::Conflict);
    match accounts::conform(app, caller, records.clone()).await {
        Err(error) if cannot(&error) => {}
        outcome => return outcome,
    }
    for record in records {
        let id = record.id.clone();
        match accounts::conform(app, caller, vec![record]).await {
            Err(error) if cannot(&error) => {
                tracing::error!(
                    student = id,
                    "the account cannot agree with its record: its address or number is another's"
                );
            }
            outcome => outcome?,
        }
    }
    Ok(())
}

async fn forget(app: &App, intents: &[Intent]) -> Result<(), Error> {
    let ids: Vec<Uuid> = intents.iter().map(|intent| intent.id).collect();
    let txn = app.db.begin().await?;
    store::intent::delete_in_txn(&txn, &ids).await?;
    txn.commit().await?;
    Ok(())
}
