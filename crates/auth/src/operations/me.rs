//! Who is signed in.

use kit::access::Caller;

use super::App;
use crate::{Error, domain::User};

pub(crate) async fn me(app: &App, caller: &Caller) -> Result<User, Error> {
    Ok(app.present(caller).await?.user.clone())
}
