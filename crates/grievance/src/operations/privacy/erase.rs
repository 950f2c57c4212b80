//! Forgetting who somebody was. Their grievances stay as numbers, under an id that is nobody's any more.

use kit::{access::Caller, db::Txn, events::outbox};
use uuid::Uuid;

use crate::{Error, events, operations::App, store};

/// Takes out what tells who a student was: what they and others wrote about their grievances, where they lived, their pictures.
pub(crate) async fn erase_in_txn(app: &App, caller: &Caller, txn: &Txn, student: Uuid) -> Result<(), Error> {
    let tickets = store::privacy::forget_in_txn(txn, student).await?;
    let ids: Vec<Uuid> = tickets.iter().map(|ticket| ticket.id).collect();
    store::image::remove_in_txn(txn, &ids, app.clock.now()).await?;
    for ticket in &tickets {
        // What was said of it lies in the ledger of events for days.
        outbox::forget_in_txn(txn, ticket.id).await?;
        // Right behind the news that a student was erased an event would tell whose a sensitive one was. There is nothing of them in
        // what was told of it, and the ticket stays of its version.
        if !ticket.sensitive {
            outbox::add(txn, events::forgotten(&app.clock, caller, ticket)).await?;
        }
    }
    Ok(())
}
