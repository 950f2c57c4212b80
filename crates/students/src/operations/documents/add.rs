//! Adding a document: its file is streamed in first, then everything else happens in one transaction.

use std::time::Duration;

use kit::{
    Fault,
    access::{Caller, Identity},
    db::Txn,
    events::outbox,
    files::{
        Incoming, Key,
        kept::{self, StoredFile},
    },
    idempotency::{self, Attempt},
    inspect::{FileName, Inspected, Kind, LONGEST_FILE, inspected},
    port::PortError,
};
use proto::students::Document as Message;
use uuid::Uuid;

use super::{super::App, links, places::Places, remove::remove_in_txn, thumbnails};
use crate::{
    Error,
    domain::{
        State,
        document::{Document, DocumentType, MOST_DOCUMENTS},
    },
    events,
    rpc::documents::convert,
    store,
};

const RPC: &str = "AddDocument";
/// Longer than any client waits, and shorter than it takes until a file that is arriving is taken for abandoned.
const LONGEST_UPLOAD: Duration = Duration::from_mins(15);
/// In the store a file is bytes: what it is says the document's record, so nothing else than we can serve it as a page.
const STORED_AS: &str = "application/octet-stream";

/// What is said of a file before its bytes.
pub(crate) struct NewDocument {
    pub student_id: Uuid,
    pub doc_type: DocumentType,
    pub replaces: Option<Uuid>,
    /// The file's name as the client gives it.
    pub declared_name: String,
}

/// A file that is in the store and may be kept.
struct Arrived {
    inspected: Inspected,
    file_name: FileName,
    file: StoredFile,
    thumbnail: Option<StoredFile>,
}

/// What became of it.
enum Outcome {
    /// The document, and the objects of those that it took the place of.
    Added(Box<Message>, Vec<Key>),
    /// The request was a repetition: this was the answer to the first one, which may be gone by now.
    Repeated(Box<Message>),
}

pub(crate) async fn add(app: &App, caller: &Caller, new: &NewDocument, file: Incoming) -> Result<Message, Error> {
    let student = store::student::find(app.db.reader(), &app.private, caller, new.student_id).await?;
    refuse_erased(student.ok_or(Error::UnknownStudent)?.state)?;
    let places = Places::announce(app, new.doc_type).await?;
    let receiving = tokio::time::timeout(LONGEST_UPLOAD, receive(app, new, &places, file));
    let outcome = match receiving.await {
        Ok(Ok(arrived)) => keep(app, caller, new, arrived).await,
        Ok(Err(error)) => Err(error),
        Err(_) => Err(Fault::deadline_exceeded().into()),
    };
    match outcome {
        Ok(Outcome::Added(document, doomed)) => {
            kept::delete_now(&app.db, &*app.files, &doomed).await;
            with_links(app, *document)
        }
        Ok(Outcome::Repeated(document)) => {
            places.give_up(app).await;
            with_links(app, *document)
        }
        Err(error @ Error::Port(PortError::Unavailable { .. } | PortError::TimedOut { .. })) => {
            places.give_up_later(app).await;
            Err(error)
        }
        Err(error) => {
            places.give_up(app).await;
            Err(error)
        }
    }
}

/// Streams the file into the store, and for a photo its small picture.
async fn receive(app: &App, new: &NewDocument, places: &Places, file: Incoming) -> Result<Arrived, Error> {
    let (body, verdict) = inspected(file, LONGEST_FILE);
    let put = app.files.put(&places.file, STORED_AS, body).await;
    let inspected = match (verdict.reached(), put) {
        (Some(Err(refused)), _) => return Err(refused.into()),
        (_, Err(failed)) => return Err(failed.into()),
        (Some(Ok(inspected)), Ok(stored)) if stored == inspected.size => inspected,
        _ => return Err(Fault::internal("the file store kept another length than it was given").into()),
    };
    let thumbnail = match &places.thumbnail {
        Some(_) if inspected.kind == Kind::Pdf => {
            return Err(Fault::invalid("file", "must be a JPEG or PNG: a PDF is no photo").into());
        }
        Some(place) => thumbnails::make(app, &places.file, &inspected, place).await?,
        None => None,
    };
    Ok(Arrived {
        file_name: FileName::of(&new.declared_name, inspected.kind),
        file: StoredFile {
            key: places.file.clone(),
            size: inspected.size,
            sha256: inspected.sha256,
        },
        thumbnail,
        inspected,
    })
}

/// The document, the end of those that it takes the place of, their events and the answer: all of it or nothing.
async fn keep(app: &App, caller: &Caller, new: &NewDocument, arrived: Arrived) -> Result<Outcome, Error> {
    let request = fingerprint(new, &arrived);
    let once = match idempotency::begin::<Vec<u8>>(&app.db, &app.clock, caller, RPC, &request).await? {
        Attempt::Repeated(sealed) => {
            let document = app.answers.opened(caller, RPC, &sealed)?;
            return Ok(Outcome::Repeated(Box::new(document)));
        }
        Attempt::First(once) => once,
    };
    // Held to the end: documents of one student are added one after the other, so that each sees the photo before it.
    let student = store::student::lock_in_txn(&once, &app.private, new.student_id).await?;
    refuse_erased(student.ok_or(Error::UnknownStudent)?.state)?;
    let document = document(app, caller, new, arrived);
    let doomed = make_room(app, caller, &once, new, document.id).await?;
    store::document::insert_in_txn(&once, &document).await?;
    let keys: Vec<&Key> = document.keys().collect();
    if !kept::keep_in_txn(&once, &keys, document.created_at).await? {
        return Err(Error::TooSlow);
    }
    outbox::add(&once, events::document::added(&app.clock, caller, &document)).await?;
    let answer = convert::without_links(&document);
    once.commit(&app.answers.sealed(caller, RPC, &answer)).await?;
    Ok(Outcome::Added(Box::new(answer), doomed))
}

/// The answer, with links that are good from now on.
fn with_links(app: &App, document: Message) -> Result<Message, Error> {
    let id = Uuid::parse_str(&document.id).map_err(Fault::internal)?;
    let links = links::of_id(app, id, document.thumbnail_url.is_some());
    Ok(convert::with_links(document, &links))
}

/// Removes what the new document takes the place of: the former photo, and what it is said to replace.
async fn make_room(
    app: &App,
    caller: &Caller,
    txn: &Txn,
    new: &NewDocument,
    replaced_by: Uuid,
) -> Result<Vec<Key>, Error> {
    let present = store::document::of_student(&**txn, new.student_id).await?;
    if let Some(replaced) = new.replaces
        && present.iter().all(|document| document.id != replaced)
    {
        return Err(Fault::invalid("replaces", "must be the id of a document of this student").into());
    }
    let gives_way = |document: &&Document| {
        let is_former_photo = new.doc_type == DocumentType::Photo && document.doc_type == DocumentType::Photo;
        is_former_photo || new.replaces == Some(document.id)
    };
    let leaving: Vec<&Document> = present.iter().filter(gives_way).collect();
    if present.len() - leaving.len() >= MOST_DOCUMENTS {
        return Err(Error::TooManyDocuments);
    }
    let mut doomed = Vec::new();
    for document in leaving {
        doomed.extend(remove_in_txn(app, caller, txn, document, Some(replaced_by)).await?);
    }
    Ok(doomed)
}

fn document(app: &App, caller: &Caller, new: &NewDocument, arrived: Arrived) -> Document {
    let added_by = match caller.identity {
        Identity::User { id, .. } => Some(id),
        Identity::Service { .. } | Identity::Nobody => None,
    };
    Document {
        id: app.clock.new_id(),
        student_id: new.student_id,
        doc_type: new.doc_type,
        file_name: arrived.file_name.into_string(),
        kind: arrived.inspected.kind,
        file: arrived.file,
        thumbnail: arrived.thumbnail,
        added_by,
        created_at: app.clock.now(),
    }
}

/// What tells one request from another. No part of it holds the sign that stands between them.
fn fingerprint(new: &NewDocument, arrived: &Arrived) -> String {
    let replaces = new.replaces.map(|id| id.to_string()).unwrap_or_default();
    [
        new.student_id.to_string().as_str(),
        new.doc_type.as_str(),
        &replaces,
        arrived.file_name.as_str(),
        &hex::encode(arrived.file.sha256),
    ]
    .join("\n")
}

fn refuse_erased(state: State) -> Result<(), Error> {
    match state {
        State::Erased => Err(Error::Erased),
        State::Active | State::Deactivated => Ok(()),
    }
}
