//! What the trail holds of somebody, for a copy of all that is held of them.

use std::io;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use kit::{
    Clock, Db,
    files::{Body, Files, exports},
};
use serde_json::json;

use crate::{
    Audit, Error,
    domain::Entry,
    store::{self, BATCH},
};

/// Stores the entries about somebody, and of what they did, as their part of an export.
pub(crate) async fn store(db: &Db, files: &dyn Files, clock: &Clock, asked: exports::Asked) -> Result<(), Error> {
    use kit::service::Service as _;
    let body = entries(db.clone(), asked.of.to_string());
    exports::store(files, clock, asked.export, Audit::NAME, body).await?;
    Ok(())
}

/// A JSON array, batch by batch: never whole in memory.
fn entries(db: Db, subject: String) -> Body {
    let batches = stream::try_unfold(Some(0), move |after: Option<u64>| {
        let (db, subject) = (db.clone(), subject.clone());
        async move {
            let Some(after) = after else { return Ok(None) };
            let batch = store::about(db.reader(), &subject, after, BATCH)
                .await
                .map_err(io::Error::other)?;
            let next = batch.last().map(|entry| entry.sequence);
            Ok::<_, io::Error>(Some((text(&batch, after == 0), next)))
        }
    });
    batches.boxed()
}

/// A batch as a piece of the array; the empty one ends it.
fn text(batch: &[Entry], is_first: bool) -> Bytes {
    let mut text = String::new();
    for (place, entry) in batch.iter().enumerate() {
        text.push(if is_first && place == 0 { '[' } else { ',' });
        text.push('\n');
        text.push_str(&one(entry).to_string());
    }
    if batch.is_empty() {
        text.push_str(if is_first { "[]" } else { "\n]" });
    }
    text.push_str(if batch.is_empty() { "\n" } else { "" });
    text.into()
}

fn one(entry: &Entry) -> serde_json::Value {
    let details = entry.read_details();
    let fact = &entry.fact;
    json!({
        "occurred_at": fact.occurred_at,
        "action": fact.action,
        "actor": {"id": fact.actor_id, "role": fact.actor_role, "ip": details.ip, "user_agent": details.user_agent},
        "resource_type": fact.resource_type,
        "resource_id": fact.resource_id,
        "changes": details.changes,
    })
}
