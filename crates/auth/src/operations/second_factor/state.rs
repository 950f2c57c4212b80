//! How one's second factor stands.

use kit::access::Caller;

use super::super::App;
use crate::{Error, store};

pub(crate) struct Standing {
    pub is_enabled: bool,
    pub is_required: bool,
    pub recovery_codes_left: u64,
}

pub(crate) async fn state(app: &App, caller: &Caller) -> Result<Standing, Error> {
    let present = app.person(caller).await?;
    let user = &present.user;
    let factor = store::second_factor::find(app.db.reader(), user.id).await?;
    Ok(Standing {
        is_enabled: factor.in_use.is_some(),
        is_required: app.config.needs_second_factor(user.role),
        recovery_codes_left: store::recovery_code::count(app.db.reader(), user.id).await?,
    })
}
