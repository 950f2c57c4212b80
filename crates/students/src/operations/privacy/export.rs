//! A copy of everything that is held of a student: by this service, and by those that add their part.

use std::{collections::BTreeMap, io, time::Duration};

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use kit::{
    access::Caller,
    clock::text,
    events::outbox,
    files::{Key, exports},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout, timeout_at};
use uuid::Uuid;

use super::{
    super::App,
    archive::{self, Archive, Closed, Pieces},
};
use crate::{
    Error,
    domain::{Phone, Stay, Student, document::Document, student::Address},
    events, store,
};

/// Whoever reads an archive more slowly than this gets none: others wait for their turn.
const LONGEST: Duration = Duration::from_mins(10);
/// How often it is looked whether the parts of others are there.
const LOOK: Duration = Duration::from_millis(50);
/// Parts that nobody fetched are deleted after this.
const KEPT: chrono::Duration = chrono::Duration::hours(1);
/// Objects looked at in one go.
const A_PAGE: usize = 500;

/// What this service holds of a student.
struct Holdings {
    student: Student,
    stays: Vec<Stay>,
    documents: Vec<Document>,
}

/// Why an archive could not be filled.
#[derive(Debug, thiserror::Error)]
enum Broke {
    #[error(transparent)]
    Closed(#[from] Closed),
    #[error("{0}")]
    File(#[from] io::Error),
    #[error("{0}")]
    Store(#[from] kit::port::PortError),
    #[error("{0}")]
    Json(#[from] serde_json::Error),
}

/// Begins the archive of a student whom the caller may see; it comes out while it is filled.
pub(crate) async fn export(app: std::sync::Arc<App>, caller: &Caller, id: Uuid) -> Result<Pieces, Error> {
    let student = store::student::find(app.db.reader(), &app.private, caller, id)
        .await?
        .ok_or(Error::UnknownStudent)?;
    let holdings = Holdings {
        stays: store::stay::all_of_student(app.db.reader(), id).await?,
        documents: store::document::of_student(app.db.reader(), id).await?,
        student,
    };
    let turn = app.archives.take().await?;
    let export = app.clock.new_id();
    let wait = Duration::from_secs(app.config.export_wait_seconds.into());
    let txn = app.db.begin().await?;
    outbox::add(&txn, events::export_requested(&app.clock, caller, export, id, wait)).await?;
    txn.commit().await?;
    let deadline = Instant::now() + wait;
    let (archive, pieces) = archive::begin(turn);
    tokio::spawn(async move {
        match timeout(LONGEST, fill(&app, archive, &holdings, export, deadline)).await {
            Ok(Ok(()) | Err(Broke::Closed(_))) => {}
            Ok(Err(error)) => tracing::warn!(%export, %error, "an export broke off"),
            Err(_) => tracing::warn!(%export, "an export was read too slowly and broke off"),
        }
        if let Err(error) = forget(&app, export).await {
            tracing::warn!(%export, %error, "parts of an export are deleted later");
        }
    });
    Ok(pieces)
}

async fn fill(app: &App, archive: Archive, held: &Holdings, export: Uuid, deadline: Instant) -> Result<(), Broke> {
    add_json(&archive, "student.json", &student_json(held)).await?;
    add_json(
        &archive,
        "stays.json",
        &Value::Array(held.stays.iter().map(stay_json).collect()),
    )
    .await?;
    let mut lost = Vec::new();
    for document in &held.documents {
        let name = format!("documents/{}-{}", document.id, document.file_name);
        let digest = add_object(app, &archive, name, &document.file.key, true).await?;
        if digest != Some(document.file.sha256) {
            tracing::error!(document = %document.id, "the file of a document is missing or damaged");
            lost.push(document.id);
        }
    }
    let mut parts = BTreeMap::new();
    for service in &app.config.export_parts {
        let Ok(key) = exports::part(export, service) else {
            continue;
        };
        let is_there = wait_for(app, &key, deadline).await?
            && add_object(app, &archive, format!("{service}.json"), &key, false)
                .await?
                .is_some();
        parts.insert(service.as_str(), is_there);
    }
    add_json(&archive, "manifest.json", &manifest(app, held, &parts, &lost)).await?;
    Ok(archive.end().await?)
}

/// Whether a part comes before the deadline.
async fn wait_for(app: &App, key: &Key, deadline: Instant) -> Result<bool, kit::port::PortError> {
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let Ok(found) = timeout_at(deadline, app.files.get(key)).await else {
            return Ok(false);
        };
        if found?.is_some() {
            return Ok(true);
        }
        if timeout_at(deadline, looks.tick()).await.is_err() {
            return Ok(false);
        }
    }
}

async fn add_json(archive: &Archive, name: &str, value: &Value) -> Result<(), Broke> {
    archive.file(name, false).await?;
    let text = serde_json::to_vec_pretty(value)?;
    Ok(archive.data(Bytes::from(text)).await?)
}

/// Adds an object of the file store; the SHA-256 of its bytes, or `None` where there is none, which is left out.
async fn add_object(
    app: &App,
    archive: &Archive,
    name: String,
    key: &Key,
    is_packed: bool,
) -> Result<Option<[u8; 32]>, Broke> {
    let Some(mut object) = app.files.get(key).await? else {
        return Ok(None);
    };
    archive.file(name, is_packed).await?;
    let mut digest = Sha256::new();
    while let Some(piece) = object.body.try_next().await? {
        digest.update(&piece);
        archive.data(piece).await?;
    }
    Ok(Some(digest.finalize().into()))
}

fn student_json(held: &Holdings) -> Value {
    let (student, private) = (&held.student, &held.student.private);
    let documents = held.documents.iter().map(|document| {
        json!({
            "id": document.id,
            "doc_type": document.doc_type.as_str(),
            "file_name": document.file_name,
            "content_type": document.kind.media_type(),
            "size": document.file.size,
            "sha256": hex::encode(document.file.sha256),
            "created_at": text(document.created_at),
        })
    });
    json!({
        "id": student.id,
        "registration_no": student.registration_no.as_str(),
        "name": student.name.as_str(),
        "email": student.email.as_str(),
        "phone": private.phone.as_ref().map(Phone::as_str),
        "parent_phone": private.parent_phone.as_ref().map(Phone::as_str),
        "address": private.address.as_ref().map(Address::as_str),
        "year": student.term.year(),
        "semester": student.term.semester(),
        "room": student.room.as_ref().map(|room| json!({"block": room.block.as_str(), "room_no": room.room_no.as_str()})),
        "is_active": student.is_active(),
        "created_at": text(student.created_at),
        "updated_at": text(student.updated_at),
        "documents": documents.collect::<Vec<_>>(),
    })
}

fn stay_json(stay: &Stay) -> Value {
    json!({
        "block": stay.room.block.as_str(),
        "room_no": stay.room.room_no.as_str(),
        "moved_in_at": text(stay.moved_in_at),
        "moved_out_at": stay.moved_out_at.map(text),
    })
}

/// What is in the archive, and what is not.
fn manifest(app: &App, held: &Holdings, parts: &BTreeMap<&str, bool>, lost: &[Uuid]) -> Value {
    let missing: Vec<_> = parts
        .iter()
        .filter(|(_, is_there)| !**is_there)
        .map(|(service, _)| service)
        .collect();
    json!({
        "student_id": held.student.id,
        "made_at": text(app.clock.now()),
        "students": {"stays": held.stays.len(), "documents": held.documents.len()},
        "parts": parts.iter().filter(|(_, is_there)| **is_there).map(|(service, _)| service).collect::<Vec<_>>(),
        "missing": missing,
        "lost_documents": lost,
        "complete": missing.is_empty() && lost.is_empty(),
    })
}

/// Deletes the parts of an export.
async fn forget(app: &App, export: Uuid) -> Result<(), kit::port::PortError> {
    for part in app.files.list(&exports::folder(export), None, A_PAGE).await? {
        app.files.delete(&part.key).await?;
    }
    Ok(())
}

/// Deletes parts of exports that ended long ago: those that came too late, or whose reader went away with this process.
pub(crate) async fn sweep(app: &App) -> Result<u64, Error> {
    let before = app.clock.now() - KEPT;
    let mut deleted = 0;
    let mut after = None;
    loop {
        let parts = app.files.list(exports::FOLDER, after.as_ref(), A_PAGE).await?;
        let Some(last) = parts.last().map(|part| part.key.clone()) else {
            return Ok(deleted);
        };
        for key in parts.into_iter().map(|part| part.key) {
            if exports::begun_at(&key).is_none_or(|begun_at| begun_at < before) {
                app.files.delete(&key).await?;
                deleted += 1;
            }
        }
        after = Some(last);
    }
}
