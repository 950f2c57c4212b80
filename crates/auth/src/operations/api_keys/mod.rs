//! API keys: how tools and devices call without a person.

pub(crate) mod create;
pub(crate) mod exchange;
pub(crate) mod list;
pub(crate) mod revoke;

use kit::access::Caller;

use super::App;
use crate::{Error, domain::user::Manager};

/// Who manages keys: a person, with the role that their account has now. A key makes no keys.
async fn keeper(app: &App, caller: &Caller) -> Result<Manager, Error> {
    let present = app.person(caller).await?;
    Ok(Manager {
        id: present.user.id,
        role: present.user.role,
    })
}
