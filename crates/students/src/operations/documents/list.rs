//! Reading a student's documents.

use kit::{access::Caller, page::Paging};
use proto::types::Page;
use uuid::Uuid;

use super::super::App;
use crate::{Error, domain::document::Document, store};

pub(crate) async fn list(
    app: &App,
    caller: &Caller,
    student: Uuid,
    paging: Paging,
) -> Result<(Vec<Document>, Page), Error> {
    let db = app.db.reader();
    // Whoever sees the student sees the documents.
    store::student::find(db, &app.private, caller, student)
        .await?
        .ok_or(Error::UnknownStudent)?;
    let (documents, total) = store::document::page_of_student(db, student, paging).await?;
    Ok((documents, paging.of(total)))
}
