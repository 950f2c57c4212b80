//! Verbs about documents.

use std::sync::Arc;

use chrono::Duration;
use kit::{
    Fault,
    access::metadata,
    files::{self, Files, Key},
};
use proto::{
    students::{DeleteDocumentRequest, Document, DownloadDocumentRequest, ListDocumentsRequest},
    types::{FileChunk, FileHeader, Nothing, file_chunk::Part},
};
use students::{Config, Reconciled, Students};
use tonic::Request;
use url::Url;
use uuid::Uuid;

use crate::hostel::{Hostel, told};

const PIECE: usize = 10_000;
/// No test has more objects.
const ALL: usize = 1000;

/// A file that somebody is about to add.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub student: String,
    pub doc_type: &'static str,
    pub replaces: Option<String>,
    pub name: String,
    pub bytes: Vec<u8>,
    pub key: Option<&'static str>,
}

impl Upload {
    pub(crate) fn new(student: &str, doc_type: &'static str, name: &str, bytes: Vec<u8>) -> Self {
        Self {
            student: student.to_owned(),
            doc_type,
            replaces: None,
            name: name.to_owned(),
            bytes,
            key: None,
        }
    }

    pub(super) fn replacing(self, document: &str) -> Self {
        Self {
            replaces: Some(document.to_owned()),
            ..self
        }
    }

    pub(crate) fn with_key(self, key: &'static str) -> Self {
        Self { key: Some(key), ..self }
    }

    pub(super) fn header(&self) -> FileChunk {
        let mut fields = vec![("id", self.student.clone()), ("doc_type", self.doc_type.to_owned())];
        fields.extend(self.replaces.clone().map(|id| ("replaces", id)));
        part(Part::Header(FileHeader {
            file_name: self.name.clone(),
            content_type: "application/octet-stream".to_owned(),
            size: None,
            fields: fields.into_iter().map(|(name, text)| (name.to_owned(), text)).collect(),
        }))
    }

    /// The first of its bytes, in pieces.
    pub(super) fn first(&self, length: usize) -> Vec<FileChunk> {
        let pieces = self.bytes[..length].chunks(PIECE);
        pieces.map(|piece| part(Part::Data(piece.to_vec()))).collect()
    }

    fn whole(&self) -> Vec<FileChunk> {
        let mut chunks = vec![self.header()];
        chunks.extend(self.first(self.bytes.len()));
        chunks.push(part(Part::End(Nothing {})));
        chunks
    }
}

fn part(part: Part) -> FileChunk {
    FileChunk { part: Some(part) }
}

/// What came of a link.
#[derive(Debug, PartialEq)]
pub(super) struct Fetched {
    pub file_name: String,
    pub content_type: String,
    pub size: u64,
    pub bytes: Vec<u8>,
}

impl Hostel {
    /// A student, as far as documents want to know.
    pub(super) async fn enrol(&self, number: u32) -> String {
        self.register(number).await.id
    }

    pub(super) async fn upload(&self, upload: &Upload) -> Result<Document, Fault> {
        let mut request = self.warden(tokio_stream::iter(upload.whole()));
        say_key(&mut request, upload);
        told(self.documents().add_document(request).await)
    }

    /// The same by one warden, whose repeated requests are one.
    pub(crate) async fn add_as(&self, token: &str, upload: &Upload) -> Result<Document, Fault> {
        let mut request = self.world.request(token, tokio_stream::iter(upload.whole()));
        say_key(&mut request, upload);
        told(self.documents().add_document(request).await)
    }

    pub(super) async fn documents_of(&self, student: &str) -> Vec<Document> {
        let request = ListDocumentsRequest {
            id: student.to_owned(),
            page: None,
            limit: Some(100),
        };
        told(self.documents().list_documents(self.warden(request)).await)
            .unwrap()
            .documents
    }

    pub(super) async fn delete(&self, student: &str, document: &str) -> Result<Nothing, Fault> {
        let request = DeleteDocumentRequest {
            id: student.to_owned(),
            document_id: document.to_owned(),
        };
        told(self.documents().delete_document(self.warden(request)).await)
    }

    /// Follows a link as a browser would: without a token.
    pub(super) async fn fetch(&self, url: &str) -> Result<Fetched, Fault> {
        let (head, bytes, end) = self.follow(&asked(url)).await?;
        end?;
        Ok(Fetched {
            file_name: head.file_name,
            content_type: head.content_type,
            size: head.size.unwrap(),
            bytes,
        })
    }

    /// The header, what came of the file, and how it ended.
    pub(super) async fn follow(
        &self,
        request: &DownloadDocumentRequest,
    ) -> Result<(FileHeader, Vec<u8>, Result<(), Fault>), Fault> {
        let mut stream = told(self.documents().download_document(request.clone()).await)?;
        let mut header = None;
        let mut bytes = Vec::new();
        let end = loop {
            match stream.message().await {
                Ok(Some(FileChunk {
                    part: Some(Part::Header(head)),
                })) => assert!(header.replace(head).is_none()),
                Ok(Some(FileChunk {
                    part: Some(Part::Data(piece)),
                })) => {
                    assert!(header.is_some() && piece.len() <= 64 * 1024);
                    bytes.extend(piece);
                }
                Ok(Some(other)) => panic!("{other:?}"),
                Ok(None) => break Ok(()),
                Err(status) => break Err(Fault::from_status(&status)),
            }
        };
        match (header, end) {
            (Some(header), end) => Ok((header, bytes, end)),
            (None, end) => Err(end.unwrap_err()),
        }
    }

    /// The store of files, beside the service.
    pub(super) async fn shelf(&self) -> Arc<dyn Files> {
        files::open(&self.world.host.stores.files).await.unwrap()
    }

    pub(super) async fn objects(&self) -> Vec<Key> {
        let listed = self.shelf().await.list("documents/", None, ALL).await.unwrap();
        listed.into_iter().map(|object| object.key).collect()
    }

    /// Lets time pass until the first of the objects is so old.
    pub(super) async fn grow_old(&self, age: Duration) {
        let listed = self.shelf().await.list("documents/", None, ALL).await.unwrap();
        let first = listed.iter().map(|object| object.stored_at).min().unwrap();
        self.world.clock.advance(first + age - self.world.clock.now());
    }

    /// Where the file of a document is, and its small picture.
    pub(super) async fn keys(&self, document: &str) -> (Key, Option<Key>) {
        let rows = self.rows("SELECT id, file_key, thumbnail_key FROM document").await;
        let is_it = |row: &&sea_orm::QueryResult| row.try_get::<Uuid>("", "id").unwrap().to_string() == document;
        let row = rows.iter().find(is_it).unwrap();
        let thumbnail: Option<String> = row.try_get("", "thumbnail_key").unwrap();
        let file: String = row.try_get("", "file_key").unwrap();
        (
            Key::parse(file).unwrap(),
            thumbnail.map(|text| Key::parse(text).unwrap()),
        )
    }

    pub(super) async fn reconcile(&self) -> Reconciled {
        let (students, _) = self
            .world
            .host
            .create_with::<Students>(Config::default())
            .await
            .unwrap();
        students.reconcile().await.unwrap()
    }

    /// Nothing was kept and nothing is left.
    pub(super) async fn assert_empty(&self, what: &str) {
        assert_eq!(self.count("document").await, 0, "{what}");
        assert_eq!(self.count("stored_file").await, 0, "{what}");
        assert_eq!(self.objects().await, [], "{what}");
        for kind in ["document.added", "document.removed"] {
            assert!(self.events_of(kind).await.is_empty(), "{what}");
        }
    }
}

fn say_key<T>(request: &mut Request<T>, upload: &Upload) {
    if let Some(key) = upload.key {
        request
            .metadata_mut()
            .insert(metadata::IDEMPOTENCY_KEY, key.parse().unwrap());
    }
}

/// What a link says, as the gateway reads it.
pub(super) fn asked(url: &str) -> DownloadDocumentRequest {
    let url = Url::parse(url).unwrap();
    let said = |name: &str| {
        let mut pairs = url.query_pairs().filter(|(key, _)| key == name);
        pairs.next().map(|(_, value)| value.into_owned())
    };
    DownloadDocumentRequest {
        id: url.path_segments().unwrap().next_back().unwrap().to_owned(),
        variant: said("variant"),
        expires: said("expires"),
        signature: said("signature"),
    }
}
