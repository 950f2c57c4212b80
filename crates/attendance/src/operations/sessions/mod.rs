//! The life of a roll call: opened, shown, closed, settled.

pub(crate) mod close;
pub(crate) mod code;
pub(crate) mod open;
pub(crate) mod place;
pub(crate) mod read;
pub(crate) mod settle;

use chrono::Duration;
use kit::access::Caller;
use proto::options::Role;

use super::App;
use crate::{
    Error,
    domain::{Closing, Session},
};

/// The guard who opened a roll call leads it, and every warden may; everybody else is refused. As whom the caller does.
pub(crate) fn leads(caller: &Caller, session: &Session) -> Result<Closing, Error> {
    match caller.user()? {
        (_, Role::Warden) => Ok(Closing::Warden),
        (id, Role::Guard) if id == session.opened_by => Ok(Closing::Guard),
        _ => Err(Error::NotTheirSession),
    }
}

/// How long after its end a roll call takes late scans.
fn late_sync(app: &App) -> Duration {
    Duration::minutes(app.config.late_sync_minutes.into())
}

/// This service, acting by itself.
fn ourselves(app: &App) -> Caller {
    Caller::service("attendance", app.clock.new_id().to_string())
}
