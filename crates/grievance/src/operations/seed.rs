//! The first grievances of a demo.

use kit::{
    access::{Caller, Identity},
    db::Txn,
};
use proto::options::Role;
use uuid::Uuid;

use super::{
    App,
    raise::{NewGrievance, Raising, raise_in_txn},
    step::step_in_txn,
};
use crate::{
    Error,
    domain::{Place, Priority, Resolution, Ticket},
    store,
};

/// A grievance of a demo.
#[derive(Clone, Debug)]
pub struct SeedGrievance {
    pub student: Uuid,
    pub block: String,
    pub room_no: String,
    pub category: String,
    pub sub_category: Option<String>,
    pub priority: Priority,
    pub description: String,
    /// Who works on it; `None` for nobody yet.
    pub assigned_to: Option<Uuid>,
    /// What a warden did about it; `None` where it is not resolved.
    pub resolved: Option<(Uuid, String)>,
}

/// Raises them all, or none where there is a grievance already. Of several processes that begin at once one does it.
pub(crate) async fn all_or_nothing(app: &App, grievances: Vec<SeedGrievance>) -> Result<(), Error> {
    let txn = app.db.begin().await?;
    if grievances.is_empty() || store::ticket::is_any_in_txn(&txn).await? {
        return Ok(());
    }
    let students: Vec<Caller> = grievances
        .iter()
        .map(|one| acting(app, one.student, Role::Student))
        .collect();
    let raising = students
        .iter()
        .zip(&grievances)
        .map(|(caller, one)| raising(app, caller, one));
    let raised = raise_in_txn(app, &txn, raising.collect()).await?;
    for (ticket, one) in raised.iter().zip(grievances) {
        work_in_txn(app, &txn, ticket, one).await?;
    }
    txn.commit().await?;
    Ok(())
}

fn raising<'a>(app: &App, caller: &'a Caller, one: &SeedGrievance) -> Raising<'a> {
    let category = app.config.categories.get(&one.category);
    Raising {
        caller,
        student: one.student,
        place: Some(Place {
            block: one.block.clone(),
            room_no: one.room_no.clone(),
        }),
        new: NewGrievance {
            sensitive: category.is_some_and(|known| known.sensitive),
            category: one.category.clone(),
            sub_category: one.sub_category.clone(),
            priority: one.priority,
            description: one.description.clone(),
        },
    }
}

/// What came of one: somebody works on it, or it is resolved.
async fn work_in_txn(app: &App, txn: &Txn, raised: &Ticket, one: SeedGrievance) -> Result<(), Error> {
    let warden = one.resolved.as_ref().map_or_else(
        || Caller::service("grievance", app.clock.new_id().to_string()),
        |(warden, _)| acting(app, *warden, Role::Warden),
    );
    let mut assigned = raised.clone();
    assigned.assigned_to = one.assigned_to;
    let assigned = step_in_txn(app, &warden, txn, raised, assigned).await?;
    let Some((by, comments)) = one.resolved else {
        return Ok(());
    };
    let resolution = Resolution {
        by,
        at: app.clock.now(),
        comments: Some(comments),
    };
    let mut after = assigned.clone();
    let state = after.state.resolve(resolution);
    after.state = state.map_err(|refusal| Error::refusal(refusal, &assigned))?;
    step_in_txn(app, &warden, txn, &assigned, after).await?;
    Ok(())
}

fn acting(app: &App, id: Uuid, role: Role) -> Caller {
    Caller {
        identity: Identity::User {
            id,
            role,
            session: Uuid::nil(),
        },
        ..Caller::service("grievance", app.clock.new_id().to_string())
    }
}
