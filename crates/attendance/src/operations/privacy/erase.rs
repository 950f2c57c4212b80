//! Forgetting who somebody was. Their marks and tries stay as numbers, under an id that is nobody's any more.

use kit::{db::Txn, events::outbox};
use uuid::Uuid;

use crate::{Error, store};

/// Takes out what tells who a student was: keys and names of devices, places, words that somebody wrote.
pub(crate) async fn erase_in_txn(txn: &Txn, student: Uuid) -> Result<(), Error> {
    let devices = store::device::forget_in_txn(txn, student).await?;
    let flags = store::privacy::forget_in_txn(txn, student).await?;
    // What was said of them lies in the ledger of events for days.
    for subject in devices.into_iter().chain(flags) {
        outbox::forget_in_txn(txn, subject).await?;
    }
    Ok(())
}
