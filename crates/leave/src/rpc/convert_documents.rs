//! Documents as messages.

use bytes::Bytes;
use kit::{Fault, clock::timestamp, files::link::GoodLink};
use proto::{
    leave::LeaveDocument as Message,
    types::{FileChunk, FileHeader, file_chunk::Part},
};

use super::convert;
use crate::{domain::Document, operations::documents::add::NewDocument};

/// What the form says beside its file.
pub(super) fn new_document(header: &FileHeader) -> Result<NewDocument, Fault> {
    let id = header.fields.get("id").map(String::as_str).unwrap_or_default();
    Ok(NewDocument {
        leave_id: convert::id("id", id)?,
        declared_name: header.file_name.clone(),
    })
}

/// Links are good for a while, and given anew each time that a document is told of.
pub(crate) fn with_link(document: Message, link: &GoodLink) -> Message {
    Message {
        url: link.url.to_string(),
        url_expires_at: Some(timestamp(link.expires_at)),
        ..document
    }
}

pub(crate) fn without_link(document: &Document) -> Message {
    Message {
        id: document.id.to_string(),
        leave_id: document.leave_id.to_string(),
        file_name: document.file_name.clone(),
        content_type: document.kind.media_type().to_owned(),
        size: document.file.size,
        sha256: hex::encode(document.file.sha256),
        url: String::new(),
        url_expires_at: None,
        created_at: Some(timestamp(document.created_at)),
    }
}

/// What is known of a file before its bytes.
pub(super) fn header(document: &Document) -> FileChunk {
    let header = FileHeader {
        file_name: document.file_name.clone(),
        content_type: document.kind.media_type().to_owned(),
        size: Some(document.file.size),
        ..FileHeader::default()
    };
    FileChunk {
        part: Some(Part::Header(header)),
    }
}

pub(super) fn data(bytes: Bytes) -> FileChunk {
    FileChunk {
        part: Some(Part::Data(bytes.into())),
    }
}
