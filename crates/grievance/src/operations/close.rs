//! Closing what was resolved and can be reopened no longer.

use kit::access::Caller;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{App, step::step_in_txn};
use crate::{Error, store};

/// So many are looked for at once.
const A_STEP: u64 = 200;

/// Closes all of them, each by itself; any number of processes may do it at once.
pub(crate) async fn due(app: &App, stop: &CancellationToken) -> Result<(), Error> {
    let before = app.clock.now() - app.reopen_within();
    let mut after = Uuid::nil();
    loop {
        let found = store::ticket::resolved_before(app.db.reader(), before, after, A_STEP).await?;
        for id in &found {
            if stop.is_cancelled() {
                return Ok(());
            }
            // One that cannot be closed does not keep the others back.
            if let Err(error) = close(app, *id).await {
                tracing::warn!(ticket = %id, %error, "a resolved grievance could not be closed, trying again later");
            }
        }
        match found.last() {
            Some(last) if found.len() as u64 == A_STEP => after = *last,
            _ => return Ok(()),
        }
    }
}

/// Closes one, unless somebody else was first.
async fn close(app: &App, id: Uuid) -> Result<(), Error> {
    let caller = Caller::service("grievance", app.clock.new_id().to_string());
    let txn = app.db.begin().await?;
    let Some(before) = store::ticket::by_id(&*txn, id).await? else {
        return Ok(());
    };
    let Ok(state) = before.state.clone().close(app.clock.now(), app.reopen_within()) else {
        return Ok(());
    };
    let mut after = before.clone();
    after.state = state;
    match step_in_txn(app, &caller, &txn, &before, after).await {
        Ok(_) => txn.commit().await?,
        Err(Error::Stands(_)) => {}
        Err(error) => return Err(error),
    }
    Ok(())
}
