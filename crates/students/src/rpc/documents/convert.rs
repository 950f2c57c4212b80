//! Messages of documents to the domain's words and back.

use bytes::Bytes;
use kit::{Fault, clock::timestamp, fault::Fields, id};
use proto::{
    students::Document as Message,
    types::{FileChunk, FileHeader, file_chunk::Part},
};

use crate::{
    domain::document::{Document, DocumentType},
    operations::documents::{add::NewDocument, download::Download, links::Links},
};

/// What the form says beside its file.
pub(super) fn new_document(header: &FileHeader) -> Result<NewDocument, Fault> {
    let said = |name: &str| header.fields.get(name).map(String::as_str).unwrap_or_default();
    let mut fields = Fields::default();
    let student_id = fields.take("id", id::parse(said("id")));
    let doc_type = fields.take("doc_type", DocumentType::parse(said("doc_type")));
    // A form sends a field that was left empty as an empty text.
    let replaces = match said("replaces") {
        "" => Some(None),
        text => fields.take("replaces", id::parse(text).map(Some)),
    };
    let (Some(student_id), Some(doc_type), Some(replaces)) = (student_id, doc_type, replaces) else {
        return Err(fields.fault());
    };
    Ok(NewDocument {
        student_id,
        doc_type,
        replaces,
        declared_name: header.file_name.clone(),
    })
}

pub(super) fn document(document: &Document, links: &Links) -> Message {
    with_links(without_links(document), links)
}

/// Links are good for a while, and given anew each time that a document is told of.
pub(crate) fn with_links(document: Message, links: &Links) -> Message {
    Message {
        url: links.file.to_string(),
        thumbnail_url: links.thumbnail.as_ref().map(ToString::to_string),
        url_expires_at: Some(timestamp(links.expire_at)),
        ..document
    }
}

/// The thumbnail's link is empty, and there is none where there is no thumbnail.
pub(crate) fn without_links(document: &Document) -> Message {
    Message {
        id: document.id.to_string(),
        student_id: document.student_id.to_string(),
        doc_type: document.doc_type.as_str().to_owned(),
        file_name: document.file_name.clone(),
        content_type: document.kind.media_type().to_owned(),
        size: document.file.size,
        sha256: hex::encode(document.file.sha256),
        url: String::new(),
        thumbnail_url: document.thumbnail.as_ref().map(|_| String::new()),
        url_expires_at: None,
        created_at: Some(timestamp(document.created_at)),
    }
}

/// What is known of a file before its bytes.
pub(super) fn header(download: &Download) -> FileChunk {
    let header = FileHeader {
        file_name: download.file_name.clone(),
        content_type: download.media_type.to_owned(),
        size: Some(download.size),
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
