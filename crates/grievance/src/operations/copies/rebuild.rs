//! Reading all students and all who work in the hostel anew: before the first event was heard, and after one of the databases was lost.

use std::{collections::HashSet, time::Duration};

use anyhow::Context as _;
use kit::access::metadata;
use kit::upstream::Channel;
use proto::{
    auth::{StreamPeopleRequest, people_client::PeopleClient},
    options::Role,
    students::{StreamStudentsRequest, roster_client::RosterClient},
};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Streaming, metadata::MetadataValue};
use uuid::Uuid;

use crate::{
    domain::{Person, Student},
    heard,
    operations::App,
    store,
};

/// Whose records are copied.
pub(crate) const STUDENTS: &str = "students";
/// Whose accounts are copied.
pub(crate) const AUTH: &str = "auth";

/// For so long the next record is waited for.
const SILENCE: Duration = Duration::from_secs(30);
/// So many at a time, in one transaction.
const A_BATCH: usize = 500;
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Fills copies that were never filled, as soon as the other services answer; until told to stop.
pub(crate) async fn fill(app: &App, stop: &CancellationToken) {
    if app.upstreams.channel_for_streams(STUDENTS).is_none() {
        tracing::warn!("no way to the service {STUDENTS}: nothing is known of students but what events tell");
        return;
    }
    let mut wait = FIRST_WAIT;
    while !stop.is_cancelled() {
        match try_fill(app).await {
            Ok(None) => return,
            Ok(Some(count)) => return tracing::info!(count, "students and staff copied"),
            Err(error) => tracing::warn!("students and staff could not be copied, trying again in {wait:?}: {error:#}"),
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
    if store::filled::is_filled(app.db.reader()).await? {
        return Ok(None);
    }
    rebuild(app).await.map(Some)
}

/// Reads every student and everybody else, and keeps what is newer than the copy; how many there were.
pub(crate) async fn rebuild(app: &App) -> anyhow::Result<u64> {
    let students = students(app, &mut RosterClient::new(channel(app, STUDENTS)?)).await?;
    let people = people(app, &mut PeopleClient::new(channel(app, AUTH)?)).await?;
    let txn = app.db.begin().await?;
    store::filled::note_in_txn(&txn, app.clock.now()).await?;
    txn.commit().await?;
    Ok(students + people)
}

fn channel(app: &App, service: &str) -> anyhow::Result<Channel> {
    app.upstreams.channel_for_streams(service).with_context(|| {
        format!("no way to the service {service}: give its address as upstreams.{service}, for example http://{service}:9000")
    })
}

async fn students(app: &App, roster: &mut RosterClient<Channel>) -> anyhow::Result<u64> {
    let request = with_token(app, StreamStudentsRequest {})?;
    let answer = timeout(SILENCE, roster.stream_students(request)).await;
    let answer = answer.with_context(|| silent(STUDENTS))?;
    let mut stream = answer.context("the students cannot be read")?.into_inner();
    let (mut count, mut batch) = (0, Vec::with_capacity(A_BATCH));
    while let Some(record) = next(&mut stream, STUDENTS).await? {
        let student = heard::student(&record).map_err(|why| anyhow::anyhow!("the record {}: {why}", record.id))?;
        batch.push(student);
        count += 1;
        if batch.len() == A_BATCH {
            keep_students(app, std::mem::take(&mut batch)).await?;
        }
    }
    keep_students(app, batch).await?;
    Ok(count)
}

async fn keep_students(app: &App, mut students: Vec<Student>) -> anyhow::Result<()> {
    // In one order, whoever writes; each once.
    students.sort_unstable_by_key(|student| student.id);
    students.dedup_by_key(|student| student.id);
    let txn = app.db.begin().await?;
    store::student::keep_in_txn(&txn, &students).await?;
    txn.commit().await?;
    Ok(())
}

async fn people(app: &App, people: &mut PeopleClient<Channel>) -> anyhow::Result<u64> {
    // Students, too: some of them may have been staff when they were last heard of.
    let roles = [
        Role::Student,
        Role::Warden,
        Role::Guard,
        Role::Staff,
        Role::Teacher,
        Role::Admin,
    ];
    let roles = roles.map(i32::from).to_vec();
    let request = with_token(app, StreamPeopleRequest { roles })?;
    let answer = timeout(SILENCE, people.stream_people(request)).await;
    let answer = answer.with_context(|| silent(AUTH))?;
    let mut stream = answer.context("the accounts cannot be read")?.into_inner();
    let (mut count, mut batch) = (0, Vec::with_capacity(A_BATCH));
    while let Some(record) = next(&mut stream, AUTH).await? {
        let person = heard::person(&record).map_err(|why| anyhow::anyhow!("the account {}: {why}", record.id))?;
        count += u64::from(person.role != Role::Student);
        batch.push(person);
        if batch.len() == A_BATCH {
            keep_people(app, std::mem::take(&mut batch)).await?;
        }
    }
    keep_people(app, batch).await?;
    Ok(count)
}

async fn keep_people(app: &App, mut people: Vec<Person>) -> anyhow::Result<()> {
    people.sort_unstable_by_key(|person| person.id);
    people.dedup_by_key(|person| person.id);
    let txn = app.db.begin().await?;
    let students = people.iter().filter(|person| person.role == Role::Student);
    let students: Vec<Uuid> = students.map(|person| person.id).collect();
    let known = store::person::some(&*txn, &students).await?;
    let known: HashSet<Uuid> = known.into_iter().map(|person| person.id).collect();
    people.retain(|person| person.role != Role::Student || known.contains(&person.id));
    store::person::keep_in_txn(&txn, &people).await?;
    txn.commit().await?;
    Ok(())
}

fn with_token<T>(app: &App, message: T) -> anyhow::Result<Request<T>> {
    let mut request = Request::new(message);
    let bearer = MetadataValue::try_from(format!("Bearer {}", app.tokens.token()?))?;
    request.metadata_mut().insert(metadata::AUTHORIZATION, bearer);
    Ok(request)
}

async fn next<T>(stream: &mut Streaming<T>, service: &str) -> anyhow::Result<Option<T>> {
    Ok(timeout(SILENCE, stream.message())
        .await
        .with_context(|| silent(service))??)
}

fn silent(service: &str) -> String {
    format!("the service {service} said nothing for {SILENCE:?}")
}
