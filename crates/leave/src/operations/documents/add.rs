//! Adding the document of a leave: its file is streamed in first, then everything else happens in one transaction.

use std::time::Duration;

use kit::{
    Fault,
    access::{Caller, Identity},
    events::outbox,
    files::{
        Incoming, Key,
        kept::{self, StoredFile},
    },
    idempotency::{self, Attempt},
    inspect::{FileName, Inspected, LONGEST_FILE, inspected},
};
use proto::{leave::LeaveDocument as Message, options::Role};
use uuid::Uuid;

use super::links;
use crate::{
    Error,
    domain::{Document, Leave},
    events,
    operations::App,
    rpc::convert_documents as convert,
    store,
};

const RPC: &str = "AddLeaveDocument";
/// What all keys of these files begin with: students' documents have another beginning, and each service looks after its own.
const PREFIX: &str = "leave-documents/";
/// Longer than any client waits, and shorter than it takes until a file that is arriving is taken for abandoned.
const LONGEST_UPLOAD: Duration = Duration::from_mins(15);
/// In the store a file is bytes: what it is says the document's record, so nothing else than we can serve it as a page.
const STORED_AS: &str = "application/octet-stream";

/// What is said of a file before its bytes.
pub(crate) struct NewDocument {
    pub leave_id: Uuid,
    /// The file's name as the client gives it.
    pub declared_name: String,
}

/// The document that was added, or that of the first of the same requests; and the objects of the one before.
struct Kept(Message, Vec<Key>);

pub(crate) async fn add(app: &App, caller: &Caller, new: &NewDocument, file: Incoming) -> Result<Message, Error> {
    refuse_early(app, caller, new.leave_id).await?;
    let place = announce(app).await?;
    let receiving = tokio::time::timeout(LONGEST_UPLOAD, receive(app, &place, file));
    let kept = match receiving.await {
        Ok(Ok(inspected)) => keep(app, caller, new, &place, inspected).await,
        Ok(Err(error)) => Err(error),
        Err(_) => Err(Fault::deadline_exceeded().into()),
    };
    match kept {
        Ok(Kept(document, doomed)) => {
            kept::delete_now(&app.db, &*app.files, &doomed).await;
            with_link(app, document)
        }
        Err(error) => {
            give_up(app, &place).await;
            Err(error)
        }
    }
}

/// Refuses what is bound to be refused before its bytes are waited for; what changes meanwhile is found where it is kept. What was
/// asked before has its answer, whatever became of the leave since: only its bytes tell whether it is the same.
async fn refuse_early(app: &App, caller: &Caller, leave: Uuid) -> Result<(), Error> {
    let db = app.db.reader();
    let leave = store::leave::find_visible(db, &app.private, caller, leave).await?;
    let leave = leave.ok_or(Error::UnknownLeave)?;
    if idempotency::is_used(&app.db, caller, RPC).await? {
        return Ok(());
    }
    refuse_over(&leave)?;
    if is_kept(caller, &leave) && store::document::of_leave(db, leave.id).await?.is_some() {
        return Err(Error::DocumentKept);
    }
    Ok(())
}

async fn announce(app: &App) -> Result<Key, Error> {
    let key = kept::random_key(PREFIX);
    let txn = app.db.begin().await?;
    kept::announce_in_txn(&txn, &[&key], app.clock.now()).await?;
    txn.commit().await?;
    Ok(key)
}

/// Takes back what has arrived. What was kept after all (a commit whose outcome nobody heard) stays.
async fn give_up(app: &App, place: &Key) {
    let doom = async {
        let txn = app.db.begin().await?;
        let doomed = kept::give_up_in_txn(&txn, &[place], app.clock.now()).await?;
        txn.commit().await?;
        Ok::<_, Error>(doomed)
    };
    match doom.await {
        Ok(doomed) => kept::delete_now(&app.db, &*app.files, &doomed).await,
        Err(error) => tracing::warn!(%error, "an upload could not be taken back, trying again later"),
    }
}

/// Streams the file into the store.
async fn receive(app: &App, place: &Key, file: Incoming) -> Result<Inspected, Error> {
    let (body, verdict) = inspected(file, LONGEST_FILE);
    let put = app.files.put(place, STORED_AS, body).await;
    match (verdict.reached(), put) {
        (Some(Err(refused)), _) => Err(refused.into()),
        (_, Err(failed)) => Err(failed.into()),
        (Some(Ok(inspected)), Ok(stored)) if stored == inspected.size => Ok(inspected),
        _ => Err(Fault::internal("the file store kept another length than it was given").into()),
    }
}

/// The document, the end of the one before, the event and the answer: all of it or nothing.
async fn keep(app: &App, caller: &Caller, new: &NewDocument, place: &Key, inspected: Inspected) -> Result<Kept, Error> {
    let file_name = FileName::of(&new.declared_name, inspected.kind);
    let fingerprint = [
        new.leave_id.to_string().as_str(),
        file_name.as_str(),
        &hex::encode(inspected.sha256),
    ]
    .join("\n");
    let once = match idempotency::begin::<Vec<u8>>(&app.db, &app.clock, caller, RPC, &fingerprint).await? {
        Attempt::Repeated(sealed) => {
            give_up(app, place).await;
            let document = app.answers.opened(caller, RPC, &sealed)?;
            return Ok(Kept(document, Vec::new()));
        }
        Attempt::First(once) => once,
    };
    // Held from here on: documents of one leave are added one after the other.
    let now = app.clock.now();
    let leave = store::leave::touch_in_txn(&once, &app.private, new.leave_id, now).await?;
    let leave = leave.ok_or(Error::UnknownLeave)?;
    refuse_over(&leave)?;
    if is_kept(caller, &leave) && store::document::of_leave(&**once, leave.id).await?.is_some() {
        return Err(Error::DocumentKept);
    }
    let before = store::document::take_in_txn(&once, leave.id).await?;
    let doomed: Vec<Key> = before.into_iter().map(|document| document.file.key).collect();
    kept::doom_in_txn(&once, &doomed.iter().collect::<Vec<_>>(), now).await?;
    let document = Document {
        id: app.clock.new_id(),
        leave_id: leave.id,
        student_id: leave.student_id,
        file_name: file_name.into_string(),
        kind: inspected.kind,
        file: StoredFile {
            key: place.clone(),
            size: inspected.size,
            sha256: inspected.sha256,
        },
        added_by: match caller.identity {
            Identity::User { id, .. } => Some(id),
            Identity::Service { .. } | Identity::Nobody => None,
        },
        created_at: now,
    };
    store::document::insert_in_txn(&once, &document).await?;
    if !kept::keep_in_txn(&once, &[place], now).await? {
        return Err(Error::TooSlow);
    }
    outbox::add(&once, events::documented(&app.clock, caller, &leave, &document)).await?;
    let answer = convert::without_link(&document);
    once.commit(&app.answers.sealed(caller, RPC, &answer)).await?;
    Ok(Kept(answer, doomed))
}

/// The answer, with a link that is good from now on.
fn with_link(app: &App, document: Message) -> Result<Message, Error> {
    let id = Uuid::parse_str(&document.id).map_err(Fault::internal)?;
    Ok(convert::with_link(document, &links::of(app, id)))
}

fn refuse_over(leave: &Leave) -> Result<(), Error> {
    if leave.holds_days() {
        Ok(())
    } else {
        Err(Error::TakesNoDocument(leave.state.name()))
    }
}

/// Whether this caller replaces no document of the leave: what it was granted on stays as it was seen. Staff may.
fn is_kept(caller: &Caller, leave: &Leave) -> bool {
    let is_student = matches!(
        caller.identity,
        Identity::User {
            role: Role::Student,
            ..
        }
    );
    is_student && leave.is_granted()
}
