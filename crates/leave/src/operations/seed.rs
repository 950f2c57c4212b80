//! Leaves that are there from the beginning, for the demo.

use chrono::Days as Later;
use kit::{
    Fault,
    access::{Caller, Identity},
    contact::Phone,
};
use proto::options::Role;
use uuid::Uuid;

use super::{
    App,
    decisions::decide::{self, Said},
    requests::ask::{self, NewLeave},
};
use crate::{
    Error,
    domain::{Days, Details, LeaveType, Verdict},
    store,
};

/// A leave that is there from the beginning.
#[derive(Clone, Debug)]
pub struct FirstLeave {
    pub student: Uuid,
    /// Its first and its last day, both so many days from now.
    pub days: (u64, u64),
    pub place: String,
    pub parent_phone: String,
    /// Who granted it; without them it waits.
    pub granted_by: Option<Uuid>,
}

/// Asks for leaves as their students would, where nobody ever asked for one. What the installation's rules refuse is passed
/// over: they may ask for more than the demo has.
pub(crate) async fn seed(app: &App, leaves: Vec<FirstLeave>) -> Result<(), Error> {
    if store::leave::any(app.db.reader()).await? {
        return Ok(());
    }
    for leave in leaves {
        match first_leave(app, leave).await {
            Ok(()) => {}
            Err(
                Error::Broken(_)
                | Error::Refused(_)
                | Error::GuardianUnknown
                | Error::TooManyPending { .. }
                | Error::TooManyLetters { .. },
            ) => {
                tracing::info!("a leave of the demo does not fit the rules of leaves here");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

async fn first_leave(app: &App, leave: FirstLeave) -> Result<(), Error> {
    let (student, warden) = (leave.student, leave.granted_by);
    let new = new_leave(app, leave)?;
    let txn = app.db.begin().await?;
    let asked = ask::store_in_txn(app, &somebody(app, student, Role::Student), &txn, new).await?;
    txn.commit().await?;
    if let Some(warden) = warden {
        let said = Said {
            leave: asked.id,
            verdict: Verdict::Approved,
            comments: None,
            without_guardian: false,
        };
        decide::decide(app, &somebody(app, warden, Role::Warden), said).await?;
    }
    Ok(())
}

fn new_leave(app: &App, leave: FirstLeave) -> Result<NewLeave, Error> {
    let wrong = |field: &'static str| move |why: &'static str| Error::Fault(Fault::invalid(field, why));
    let (from, to) = leave.days;
    let days = Days::new(app.today() + Later::new(from), app.today() + Later::new(to));
    Ok(NewLeave {
        leave_type: LeaveType::Home,
        days: days.map_err(wrong("days"))?,
        details: Details {
            place_of_visit: Details::place(&leave.place).map_err(wrong("place"))?,
            parent_phone: Some(Phone::parse(&leave.parent_phone).map_err(wrong("parent_phone"))?),
            extra: None,
        },
        retroactive: false,
        extends: None,
    })
}

/// Somebody who asks or decides without having signed in.
fn somebody(app: &App, id: Uuid, role: Role) -> Caller {
    let session = Uuid::nil();
    Caller {
        identity: Identity::User { id, role, session },
        ..Caller::service("leave", app.clock.new_id().to_string())
    }
}
