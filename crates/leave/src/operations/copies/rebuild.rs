//! Reading all students anew: before the first event was heard, and after one of the two databases was lost.

use std::time::Duration;

use anyhow::Context as _;
use kit::access::metadata;
use kit::upstream::Channel;
use proto::students::{StreamStudentsRequest, roster_client::RosterClient};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Streaming, metadata::MetadataValue};

use crate::{domain::Student, heard, operations::App, store};

/// Whose records are copied.
pub(crate) const STUDENTS: &str = "students";

/// For so long the next record is waited for.
const SILENCE: Duration = Duration::from_secs(30);
/// So many at a time, in one transaction.
const A_BATCH: usize = 500;
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Fills copies that were never filled, as soon as the students service answers; until told to stop.
pub(crate) async fn fill(app: &App, stop: &CancellationToken) {
    if app.upstreams.channel_for_streams(STUDENTS).is_none() {
        tracing::warn!("no way to the service {STUDENTS}: nothing is known of students but what events tell");
        return;
    }
    let mut wait = FIRST_WAIT;
    while !stop.is_cancelled() {
        match try_fill(app).await {
            Ok(None) => return,
            Ok(Some(count)) => return tracing::info!(count, "students copied"),
            Err(error) => tracing::warn!("students could not be copied, trying again in {wait:?}: {error:#}"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(wait) => {}
        }
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// How many records there were; `None` where the copies are filled already.
async fn try_fill(app: &App) -> anyhow::Result<Option<u64>> {
    if store::student::is_filled(app.db.reader()).await? {
        return Ok(None);
    }
    rebuild(app).await.map(Some)
}

/// Reads every student, and keeps what is newer than the copy; how many there were.
pub(crate) async fn rebuild(app: &App) -> anyhow::Result<u64> {
    let channel = app.upstreams.channel_for_streams(STUDENTS).with_context(|| {
        format!("no way to the service {STUDENTS}: give its address as upstreams.{STUDENTS}, for example http://{STUDENTS}:9000")
    })?;
    let mut roster = RosterClient::new(channel);
    let count = students(app, &mut roster).await?;
    let txn = app.db.begin().await?;
    store::student::note_filled_in_txn(&txn, app.clock.now()).await?;
    txn.commit().await?;
    Ok(count)
}

async fn students(app: &App, roster: &mut RosterClient<Channel>) -> anyhow::Result<u64> {
    let request = with_token(app, StreamStudentsRequest {})?;
    let answer = timeout(SILENCE, roster.stream_students(request))
        .await
        .context(silent())?;
    let mut stream = answer.context("the students cannot be read")?.into_inner();
    let (mut count, mut batch) = (0, Vec::with_capacity(A_BATCH));
    loop {
        let next = next(&mut stream).await?;
        let is_last = next.is_none();
        if let Some(record) = next {
            let student = heard::student(&record).map_err(|why| anyhow::anyhow!("the record {}: {why}", record.id))?;
            batch.push(student);
            count += 1;
        }
        if batch.len() == A_BATCH || is_last {
            keep(app, std::mem::take(&mut batch)).await?;
        }
        if is_last {
            return Ok(count);
        }
    }
}

async fn keep(app: &App, mut students: Vec<Student>) -> anyhow::Result<()> {
    // In one order, whoever writes; each once.
    students.sort_unstable_by_key(|student| student.id);
    students.dedup_by_key(|student| student.id);
    let txn = app.db.begin().await?;
    store::student::keep_in_txn(&txn, &students).await?;
    txn.commit().await?;
    Ok(())
}

fn with_token<T>(app: &App, message: T) -> anyhow::Result<Request<T>> {
    let mut request = Request::new(message);
    let bearer = MetadataValue::try_from(format!("Bearer {}", app.tokens.token()?))?;
    request.metadata_mut().insert(metadata::AUTHORIZATION, bearer);
    Ok(request)
}

async fn next<T>(stream: &mut Streaming<T>) -> anyhow::Result<Option<T>> {
    Ok(timeout(SILENCE, stream.message()).await.context(silent())??)
}

fn silent() -> String {
    format!("the service {STUDENTS} said nothing for {SILENCE:?}")
}
