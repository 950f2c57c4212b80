//! Asking for a leave.

use kit::{
    access::Caller,
    db::Txn,
    events::outbox,
    idempotency::{self, Attempt},
};
use proto::leave as message;
use uuid::Uuid;

use crate::{
    Error,
    domain::{Days, Details, Guardian, Leave, LeaveType, State},
    events,
    operations::{App, guardian, shown},
    store,
};

const RPC: &str = "RequestLeave";

/// A leave that is asked for.
#[derive(Clone, Debug)]
pub(crate) struct NewLeave {
    pub leave_type: LeaveType,
    pub days: Days,
    pub details: Details,
    /// It may begin before today, and is looked at as one that has begun only where it does.
    pub retroactive: bool,
    /// The leave that it extends.
    pub extends: Option<Leave>,
}

/// The answer that the request was given before.
pub(crate) async fn given(
    app: &App,
    caller: &Caller,
    request: &message::RequestLeaveRequest,
) -> Result<Option<message::Leave>, Error> {
    Ok(app.answers.given(&app.db, caller, RPC, request).await?)
}

/// Asks for a leave of the caller's; the answer is kept for repetitions of the request.
pub(crate) async fn ask(
    app: &App,
    caller: &Caller,
    request: &message::RequestLeaveRequest,
    new: NewLeave,
) -> Result<message::Leave, Error> {
    let once = match idempotency::begin::<Vec<u8>>(&app.db, &app.clock, caller, RPC, request).await? {
        Attempt::Repeated(sealed) => return Ok(app.answers.opened(caller, RPC, &sealed)?),
        Attempt::First(once) => once,
    };
    let leave = store_in_txn(app, caller, &once, new).await?;
    let answer = shown::one(app, &**once, caller, leave).await?;
    once.commit(&app.answers.sealed(caller, RPC, &answer)).await?;
    Ok(answer)
}

/// Keeps a new leave of the caller's with its days and its event, and asks the guardian where the kind of leave wants that; the
/// caller of this commits.
pub(crate) async fn store_in_txn(app: &App, caller: &Caller, txn: &Txn, new: NewLeave) -> Result<Leave, Error> {
    let (student_id, _) = caller.user()?;
    let rules = app.config.types.of(new.leave_type);
    let has_begun = new.retroactive && new.days.from() < app.today();
    rules
        .check(new.days, has_begun, app.clock.now(), app.timezone)
        .map_err(Error::Broken)?;
    store::asker::hold_in_txn(txn, student_id).await?;
    let most = app.config.most_pending;
    if store::leave::count_pending(&**txn, student_id).await? >= most.into() {
        return Err(Error::TooManyPending { most });
    }
    let leave = new_leave(app, student_id, new, has_begun);
    store::leave::insert_in_txn(txn, &app.private, &leave).await?;
    store::day::take_in_txn(txn, &leave).await?;
    if rules.guardian {
        guardian::ask::ask_in_txn(app, txn, &leave).await?;
    }
    outbox::add(txn, events::requested(&app.clock, caller, &leave)).await?;
    Ok(leave)
}

/// The leave as it is asked for now, with what its kind asks for.
fn new_leave(app: &App, student_id: Uuid, new: NewLeave, has_begun: bool) -> Leave {
    let (now, id) = (app.clock.now(), app.clock.new_id());
    let rules = app.config.types.of(new.leave_type);
    Leave {
        id,
        version: 1,
        student_id,
        leave_type: new.leave_type,
        days: new.days,
        asked_to: new.days.to(),
        details: new.details,
        retroactive: has_begun,
        extends: new.extends.as_ref().map(|before| before.id),
        root_id: new.extends.map_or(id, |before| before.root_id),
        chain: rules.approvers.clone(),
        state: State::Pending { step: 0 },
        guardian: if rules.guardian {
            Guardian::asked(now)
        } else {
            Guardian::NONE
        },
        document_required: rules.document_required,
        asked_at: now,
        changed_at: now,
    }
}
