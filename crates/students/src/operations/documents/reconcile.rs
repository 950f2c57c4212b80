//! Holds the file store against what is written down, both ways: nothing stays that belongs to nobody, and what is lost is
//! known before somebody asks for it.

use std::{collections::HashSet, time::Duration as StdDuration};

use chrono::Duration;
use kit::{
    files::{
        Key, Listed,
        kept::{self, is_random_key},
    },
    ticks::Ticks,
};
use tokio_util::sync::CancellationToken;

use super::{super::App, places::PREFIX};
use crate::{Error, domain::document::Document, store::document};

/// A process that has just started has other things to do, and one that starts again and again does not walk the store each
/// time.
const AFTER_START: StdDuration = StdDuration::from_mins(1);
const PAGE: usize = 200;
/// So many pages of one kind at once; what is left waits for the next time.
const MOST_PAGES: usize = 20_000;

/// What was found and done.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Reconciled {
    /// Uploads that broke off long ago and were given up.
    pub abandoned: u64,
    /// Objects of documents that are gone, and of uploads that were given up, deleted.
    pub deleted: u64,
    /// Objects that nobody knew, deleted.
    pub orphans: u64,
    /// Documents that were found to have lost a file.
    pub missing: u64,
    /// Documents whose files are there again.
    pub found: u64,
}

/// Compares soon after the start and then by the clock, until told to stop.
pub(crate) async fn regularly(app: &App, stop: &CancellationToken) {
    let every = StdDuration::from_secs(u64::from(app.config.reconcile_minutes) * 60);
    let mut ticks = Ticks::after(AFTER_START, every, stop);
    while ticks.next().await {
        tokio::select! {
            () = stop.cancelled() => return,
            outcome = reconcile_now(app) => match outcome {
                Ok(done) if done != Reconciled::default() => tracing::info!(?done, "files of documents were reconciled"),
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "files of documents could not be reconciled, trying again later"),
            },
        }
    }
}

/// Compares once.
pub(crate) async fn reconcile_now(app: &App) -> Result<Reconciled, Error> {
    let found = find_again(app).await?;
    let tidied = kept::tidy(&app.db, &*app.files, &app.clock).await?;
    let mut done = Reconciled {
        found,
        abandoned: tidied.abandoned,
        deleted: tidied.deleted,
        ..Reconciled::default()
    };
    // A store full of documents beside a database that knows of none: rather the wrong database than orphans all of them.
    if !kept::any(app.db.reader()).await? {
        if !app.files.list(PREFIX, None, 1).await?.is_empty() {
            tracing::warn!("the file store holds documents and the database knows of none; nothing is deleted");
        }
        return Ok(done);
    }
    (done.orphans, done.missing) = compare(app).await?;
    Ok(done)
}

/// Goes through the store and what is written down side by side, in the order of the keys. How many orphans were deleted,
/// and how many documents were found to have lost a file.
async fn compare(app: &App) -> Result<(u64, u64), Error> {
    let (mut orphans, mut missing) = (0, 0);
    let mut after: Option<Key> = None;
    for _ in 0..MOST_PAGES {
        let objects = app.files.list(PREFIX, after.as_ref(), PAGE).await?;
        let last = objects.last().filter(|_| objects.len() == PAGE);
        let last = last.map(|object| object.key.clone());
        orphans += delete_orphans(app, &objects).await?;
        let there: HashSet<Key> = objects.into_iter().map(|object| object.key).collect();
        missing += note_missing_between(app, &there, after.as_ref(), last.as_ref()).await?;
        if last.is_none() {
            break;
        }
        after = last;
    }
    Ok((orphans, missing))
}

/// An object whose key is not written down is nobody's: its row was there before it, and would be until it is gone. A young
/// one is spared all the same: the database may be older than the files, because it was restored.
async fn delete_orphans(app: &App, objects: &[Listed]) -> Result<u64, Error> {
    let old = app.clock.now() - Duration::hours(app.config.orphan_hours.into());
    let objects = objects.iter().filter(|object| object.stored_at < old);
    let keys: Vec<Key> = objects.map(|object| object.key.clone()).collect();
    let known = kept::known(app.db.reader(), &keys).await?;
    let mut deleted = 0;
    for key in keys
        .iter()
        .filter(|key| is_random_key(PREFIX, key) && !known.contains(key))
    {
        app.files.delete(key).await?;
        tracing::warn!(%key, "a file that belonged to no document was deleted: {key}");
        deleted += 1;
    }
    Ok(deleted)
}

/// Looks for each object that should be between these keys (up to and with `until`).
async fn note_missing_between(
    app: &App,
    there: &HashSet<Key>,
    after: Option<&Key>,
    until: Option<&Key>,
) -> Result<u64, Error> {
    let mut missing = 0;
    let mut after = after.cloned();
    for _ in 0..MOST_PAGES {
        let kept = kept::kept(app.db.reader(), after.as_ref(), until, PAGE as u64).await?;
        let Some(last) = kept.last().cloned() else { break };
        for key in kept.iter().filter(|key| !there.contains(key)) {
            missing += u64::from(is_newly_missing(app, key).await?);
        }
        after = Some(last);
    }
    Ok(missing)
}

/// A key that the listing did not have: it may have been stored after that, or be doomed by now.
async fn is_newly_missing(app: &App, key: &Key) -> Result<bool, Error> {
    if app.files.get(key).await?.is_some() {
        return Ok(false);
    }
    match document::by_key(app.db.reader(), key).await? {
        Some(document) => note_missing(app, &document).await,
        None => Ok(false),
    }
}

/// Notes, and says once, that a file of a document is lost; `false` when that was noted before.
pub(super) async fn note_missing(app: &App, document: &Document) -> Result<bool, Error> {
    let id = document.id;
    let txn = app.db.begin().await?;
    let is_news = document::note_missing_in_txn(&txn, id, app.clock.now()).await?;
    txn.commit().await?;
    if is_news {
        tracing::warn!(document = %id, "a file of document {id} is missing in the file store");
        metrics::counter!("documents_missing_total").increment(1);
    }
    Ok(is_news)
}

/// Looks again for what was missing.
async fn find_again(app: &App) -> Result<u64, Error> {
    let mut found = 0;
    let mut after = None;
    for _ in 0..MOST_PAGES {
        let missing = document::missing(app.db.reader(), after, PAGE as u64).await?;
        let Some(last) = missing.last() else { break };
        after = Some(last.id);
        for document in &missing {
            if is_complete(app, document).await? {
                let txn = app.db.begin().await?;
                document::note_found_in_txn(&txn, document.id).await?;
                txn.commit().await?;
                tracing::info!(document = %document.id, "the files of document {} are there again", document.id);
                found += 1;
            }
        }
    }
    Ok(found)
}

async fn is_complete(app: &App, document: &Document) -> Result<bool, Error> {
    for key in document.keys() {
        if app.files.get(key).await?.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}
