//! The trail as a CSV file, batch by batch: never whole in memory.

use kit::{access::Caller, csv::harmless};
use tokio::sync::mpsc;

use super::App;
use crate::{
    Error,
    domain::Entry,
    store::{self, BATCH, Filter},
};

const HEADER: [&str; 12] = [
    "sequence",
    "id",
    "occurred_at",
    "actor_id",
    "actor_role",
    "actor_ip",
    "action",
    "resource_type",
    "resource_id",
    "request_id",
    "changes",
    "hash",
];

/// Sends the file's bytes, oldest entry first; ends early when nobody reads any more.
pub(crate) async fn export(
    app: &App,
    caller: &Caller,
    filter: &Filter,
    to: &mpsc::Sender<Vec<u8>>,
) -> Result<(), Error> {
    let mut bytes = Vec::new();
    csv::Writer::from_writer(&mut bytes).write_record(HEADER)?;
    let mut last = 0;
    loop {
        if to.send(bytes).await.is_err() {
            return Ok(());
        }
        let entries = store::matching_after(app.db.reader(), caller, filter, last, BATCH).await?;
        let Some(end) = entries.last() else { return Ok(()) };
        last = end.sequence;
        bytes = rows(&entries)?;
    }
}

fn rows(entries: &[Entry]) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let mut writer = csv::Writer::from_writer(&mut bytes);
    for entry in entries {
        let details = entry.read_details();
        let fact = &entry.fact;
        writer.write_record([
            entry.sequence.to_string(),
            fact.id.to_string(),
            fact.occurred_at.to_rfc3339(),
            harmless(&fact.actor_id),
            harmless(&fact.actor_role),
            harmless(&details.ip.unwrap_or_default()),
            harmless(&fact.action),
            harmless(&fact.resource_type),
            harmless(&fact.resource_id),
            harmless(&details.request_id.unwrap_or_default()),
            harmless(&details.changes.to_string()),
            entry.hash.to_string(),
        ])?;
    }
    writer.flush().map_err(csv::Error::from)?;
    drop(writer);
    Ok(bytes)
}
