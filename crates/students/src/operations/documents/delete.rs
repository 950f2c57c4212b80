//! Deleting a document.

use kit::{access::Caller, files::kept};
use uuid::Uuid;

use super::{super::App, remove::remove_in_txn};
use crate::{Error, store};

pub(crate) async fn delete(app: &App, caller: &Caller, student: Uuid, id: Uuid) -> Result<(), Error> {
    let txn = app.db.begin().await?;
    // Held, so that no document of the student is added or removed beside this.
    store::student::lock_in_txn(&txn, &app.private, student)
        .await?
        .ok_or(Error::UnknownStudent)?;
    let document = store::document::by_id(&*txn, id)
        .await?
        .filter(|found| found.student_id == student)
        .ok_or(Error::UnknownDocument)?;
    let doomed = remove_in_txn(app, caller, &txn, &document, None).await?;
    txn.commit().await?;
    kept::delete_now(&app.db, &*app.files, &doomed).await;
    Ok(())
}
