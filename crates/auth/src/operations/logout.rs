//! Signing out.

use kit::access::Caller;
use proto::auth::SessionEnd;
use uuid::Uuid;

use super::{App, sessions};
use crate::{
    Error,
    domain::refresh,
    store::{self, session::Which},
};

/// Ends the session of the access token and, where the refresh token belongs to another session of the same user, that
/// one. A refresh token that is nobody's, or somebody else's, changes nothing and says nothing.
pub(crate) async fn logout(app: &App, caller: &Caller, refresh_token: Option<&str>) -> Result<(), Error> {
    let present = app.person(caller).await?;
    let user = present.user.id;
    let other = match refresh_token {
        Some(token) => other_session(app, present.session, token).await?,
        None => None,
    };
    let txn = app.db.begin().await?;
    let own = (user, Which::Only(present.session));
    let ended = sessions::end_in_txn(app, &txn, caller, own, SessionEnd::SignedOut).await?;
    let others = match other {
        Some(other) => {
            sessions::end_in_txn(app, &txn, caller, (user, Which::Only(other)), SessionEnd::SignedOut).await?
        }
        None => sessions::Ended::default(),
    };
    txn.commit().await?;
    app.sessions_ended(&ended);
    app.sessions_ended(&others);
    Ok(())
}

async fn other_session(app: &App, own: Uuid, token: &str) -> Result<Option<Uuid>, Error> {
    let found = store::refresh_token::find(app.db.reader(), &refresh::hash(token)).await?;
    Ok(found.map(|token| token.session_id).filter(|session| *session != own))
}
