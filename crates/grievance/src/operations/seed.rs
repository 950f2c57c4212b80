//! The first grievances of a demo.

use kit::access::{Caller, Identity};
use proto::options::Role;
use uuid::Uuid;

use super::{
    App,
    raise::{self, NewGrievance},
    step::step_in_txn,
};
use crate::{
    Error,
    domain::{Place, Priority, Resolution},
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

/// Raises them all, or none where there is a grievance already.
pub(crate) async fn all_or_nothing(app: &App, grievances: Vec<SeedGrievance>) -> Result<(), Error> {
    let txn = app.db.begin().await?;
    if store::ticket::is_any(&*txn).await? {
        return Ok(());
    }
    for one in grievances {
        let place = Place {
            block: one.block,
            room_no: one.room_no,
        };
        let new = NewGrievance {
            sensitive: app
                .config
                .categories
                .get(&one.category)
                .is_some_and(|known| known.sensitive),
            category: one.category,
            sub_category: one.sub_category,
            priority: one.priority,
            description: one.description,
        };
        let student = acting(app, one.student, Role::Student);
        let raised = raise::raise_in_txn(app, &student, &txn, (one.student, Some(place)), new).await?;
        let mut after = raised.clone();
        after.assigned_to = one.assigned_to;
        let warden = one.resolved.as_ref().map_or_else(
            || Caller::service("grievance", app.clock.new_id().to_string()),
            |(warden, _)| acting(app, *warden, Role::Warden),
        );
        let assigned = step_in_txn(app, &warden, &txn, &raised, after).await?;
        if let Some((by, comments)) = one.resolved {
            let resolution = Resolution {
                by,
                at: app.clock.now(),
                comments: Some(comments),
            };
            let mut after = assigned.clone();
            let state = after.state.resolve(resolution);
            after.state = state.map_err(|refusal| Error::refusal(refusal, &assigned))?;
            step_in_txn(app, &warden, &txn, &assigned, after).await?;
        }
    }
    txn.commit().await?;
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
