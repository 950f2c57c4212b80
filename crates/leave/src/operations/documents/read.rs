//! Reading the document of a leave.

use kit::access::Caller;
use uuid::Uuid;

use crate::{Error, domain::Document, operations::App, store};

pub(crate) async fn of_leave(app: &App, caller: &Caller, leave: Uuid) -> Result<Document, Error> {
    let db = app.db.reader();
    // Whoever sees the leave sees its document; a guard may not call this.
    let found = store::leave::find_visible(db, &app.private, caller, leave).await?;
    let leave = found.ok_or(Error::UnknownLeave)?;
    let document = store::document::of_leave(db, leave.id).await?;
    document.ok_or(Error::UnknownDocument)
}
