//! Forgetting who somebody was. Their leaves stay as days, under an id that is nobody's any more.

use kit::{db::Txn, files::kept};
use uuid::Uuid;

use crate::{Error, domain::Details, operations::App, store};

/// Takes out what tells who a student was: where they went, phones, words that somebody wrote, documents, the guardian. The files are
/// doomed here and deleted by the job.
pub(crate) async fn erase_in_txn(app: &App, txn: &Txn, student: Uuid) -> Result<(), Error> {
    // Links before leaves, as everywhere: a guardian who answers at the same moment is waited for, and neither for ever.
    store::privacy::forget_in_txn(txn, student).await?;
    for id in store::leave::of_student_in_txn(txn, student).await? {
        store::leave::put_details_in_txn(txn, &app.private, id, &Details::default()).await?;
    }
    let documents = store::document::take_all_in_txn(txn, student).await?;
    let keys: Vec<_> = documents.iter().map(|document| &document.file.key).collect();
    if !keys.is_empty() {
        kept::doom_in_txn(txn, &keys, app.clock.now()).await?;
    }
    Ok(())
}
