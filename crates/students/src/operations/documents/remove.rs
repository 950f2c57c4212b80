//! Removing documents as a part of something larger: another takes their place, a student is erased.

use kit::{
    access::Caller,
    db::Txn,
    events::outbox,
    files::{Key, kept},
};
use uuid::Uuid;

use super::super::App;
use crate::{Error, domain::document::Document, events, store::document};

/// Removes a document in the caller's transaction, which holds the student's record. The objects are doomed: after the commit
/// [`kept::delete_now`] deletes them, or the job does.
pub(crate) async fn remove_in_txn(
    app: &App,
    caller: &Caller,
    txn: &Txn,
    removed: &Document,
    replaced_by: Option<Uuid>,
) -> Result<Vec<Key>, Error> {
    if !document::delete_in_txn(txn, removed.id).await? {
        return Ok(Vec::new());
    }
    let keys: Vec<&Key> = removed.keys().collect();
    kept::doom_in_txn(txn, &keys, app.clock.now()).await?;
    outbox::add(txn, events::document::removed(&app.clock, caller, removed, replaced_by)).await?;
    Ok(keys.into_iter().cloned().collect())
}
