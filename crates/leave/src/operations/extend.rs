//! Staying away longer: a leave that extends another.

use chrono::NaiveDate;
use kit::{
    Fault,
    access::Caller,
    db::Txn,
    idempotency::{self, Attempt},
};
use proto::leave as message;
use uuid::Uuid;

use super::{
    App,
    requests::ask::{self, NewLeave},
    shown,
};
use crate::{
    Error,
    domain::{Broken, Days, Details, GateRefusal, Leave, Refusal},
    store,
};

const RPC: &str = "ExtendLeave";

/// How much longer, and what else there is to say.
#[derive(Clone, Debug)]
pub(crate) struct More {
    pub leave: Uuid,
    pub to: NaiveDate,
    /// Where the student is; as before where it is left out.
    pub place: Option<String>,
    pub extra: Option<String>,
}

/// Asks for more days after a granted leave of the caller's; the answer is kept for repetitions of the request.
pub(crate) async fn extend(
    app: &App,
    caller: &Caller,
    request: &message::ExtendLeaveRequest,
    more: More,
) -> Result<message::Leave, Error> {
    let once = match idempotency::begin::<Vec<u8>>(&app.db, &app.clock, caller, RPC, request).await? {
        Attempt::Repeated(sealed) => return Ok(app.answers.opened(caller, RPC, &sealed)?),
        Attempt::First(once) => once,
    };
    // The student before the chain: where a guardian is asked again, leaves are touched by whoever holds the student.
    store::asker::hold_in_txn(&once, caller.user()?.0).await?;
    let before = store::leave::held_in_txn(&once, &app.private, caller, more.leave).await?;
    let days = days_in_txn(app, &once, &before, more.to).await?;
    let new = NewLeave {
        leave_type: before.leave_type,
        days,
        details: Details {
            place_of_visit: more.place.unwrap_or_else(|| before.details.place_of_visit.clone()),
            parent_phone: before.details.parent_phone.clone(),
            extra: more.extra,
        },
        retroactive: false,
        extends: Some(before),
    };
    let leave = ask::store_in_txn(app, caller, &once, new).await?;
    let answer = shown::one(app, &**once, caller, leave).await?;
    once.commit(&app.answers.sealed(caller, RPC, &answer)).await?;
    Ok(answer)
}

/// The days from the one after the leave, if it can be extended until then.
async fn days_in_txn(app: &App, txn: &Txn, before: &Leave, to: NaiveDate) -> Result<Days, Error> {
    if !before.is_granted() {
        return Err(Error::Refused(Refusal::NotApproved(before.state.name())));
    }
    let last = before.days.to();
    let is_back = store::movement::find(&**txn, before.root_id).await?;
    let is_back = is_back.is_some_and(|movement| movement.returned.is_some());
    let from = last.succ_opt().filter(|from| *from >= app.today() && !is_back);
    let from = from.ok_or(Error::Gate(GateRefusal::Ended(last)))?;
    if to < from {
        return Err(Fault::invalid("to_date", format!("must be after the last day of the leave, {last}")).into());
    }
    let chain = store::leave::chain(&**txn, &app.private, before.root_id).await?;
    let all = Days::new(chain.from(), to).map_err(|wrong| Fault::invalid("to_date", wrong))?;
    let max_days = app.config.types.of(before.leave_type).max_days;
    if all.count() > max_days {
        return Err(Error::Broken(Broken::TooLong { max_days }));
    }
    Ok(Days::new(from, to).map_err(|wrong| Fault::invalid("to_date", wrong))?)
}
