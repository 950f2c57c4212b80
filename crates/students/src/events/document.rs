//! Events of documents. A document's subject is its own: it is added once and removed once.

use kit::{Clock, access::Caller, events::Draft};
use proto::students::{DocumentAdded, DocumentRemoved};
use uuid::Uuid;

use super::SOURCE;
use crate::domain::document::Document;

const ADDED: i64 = 1;
const REMOVED: i64 = 2;

/// A document was added.
pub(crate) fn added(clock: &Clock, caller: &Caller, document: &Document) -> Draft {
    let event = DocumentAdded {
        document_id: document.id.to_string(),
        student_id: document.student_id.to_string(),
        doc_type: document.doc_type.as_str().to_owned(),
        content_type: document.kind.media_type().to_owned(),
        size: document.file.size,
        sha256: hex::encode(document.file.sha256),
    };
    Draft::new(clock, caller, SOURCE, document.id, ADDED, &event)
}

/// A document was removed, or another took its place.
pub(crate) fn removed(clock: &Clock, caller: &Caller, document: &Document, replaced_by: Option<Uuid>) -> Draft {
    let event = DocumentRemoved {
        document_id: document.id.to_string(),
        student_id: document.student_id.to_string(),
        replaced_by: replaced_by.map(|id| id.to_string()),
    };
    Draft::new(clock, caller, SOURCE, document.id, REMOVED, &event)
}
