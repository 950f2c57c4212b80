//! Reading all students and all who work in the hostel anew: before the first event was heard, and after one of the databases was lost.

use std::collections::HashSet;

use kit::{
    copies::{self, Copies, Records},
    upstream::Channel,
};
use proto::{
    auth::{PersonRecord, StreamPeopleRequest, people_client::PeopleClient},
    options::Role,
    students::{StreamStudentsRequest, StudentRecord, roster_client::RosterClient},
};
use tokio_util::sync::CancellationToken;
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

const COPIES: Copies = Copies::new(1, "students and staff");

/// Fills copies that were never filled, as soon as the other services answer; until told to stop.
pub(crate) async fn fill(app: &App, stop: &CancellationToken) {
    COPIES.fill(&app.db, stop, || rebuild(app)).await;
}

/// Reads every student and everybody else, and keeps what is newer than the copy; how many there were.
pub(crate) async fn rebuild(app: &App) -> anyhow::Result<u64> {
    let mut roster = RosterClient::new(copies::way(&app.upstreams, STUDENTS)?);
    let mut accounts = PeopleClient::new(copies::way(&app.upstreams, AUTH)?);
    let count = students(app, &mut roster).await? + people(app, &mut accounts).await?;
    COPIES.note_filled(&app.db, &app.clock).await?;
    Ok(count)
}

async fn students(app: &App, roster: &mut RosterClient<Channel>) -> anyhow::Result<u64> {
    let request = app.tokens.request(StreamStudentsRequest {})?;
    let mut records = Records::of(STUDENTS, roster.stream_students(request)).await?;
    while let Some(batch) = records.batch().await? {
        keep_students(app, &batch).await?;
    }
    Ok(records.count())
}

async fn keep_students(app: &App, records: &[StudentRecord]) -> anyhow::Result<()> {
    let student = |record: &StudentRecord| {
        heard::student(record).map_err(|why| anyhow::anyhow!("the record {}: {why}", record.id))
    };
    let mut students = records.iter().map(student).collect::<anyhow::Result<Vec<Student>>>()?;
    // In one order, whoever writes; each once.
    students.sort_unstable_by_key(|student| student.id);
    students.dedup_by_key(|student| student.id);
    let txn = app.db.begin().await?;
    store::student::keep_in_txn(&txn, &students).await?;
    txn.commit().await?;
    Ok(())
}

/// Students are not counted: they are among the records already.
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
    let request = app.tokens.request(StreamPeopleRequest { roles })?;
    let mut records = Records::of(AUTH, people.stream_people(request)).await?;
    let mut students = 0;
    while let Some(batch) = records.batch().await? {
        students += keep_people(app, &batch).await?;
    }
    Ok(records.count() - students)
}

/// How many of them are students.
async fn keep_people(app: &App, records: &[PersonRecord]) -> anyhow::Result<u64> {
    let person = |record: &PersonRecord| {
        heard::person(record).map_err(|why| anyhow::anyhow!("the account {}: {why}", record.id))
    };
    let mut people = records.iter().map(person).collect::<anyhow::Result<Vec<Person>>>()?;
    let is_student = |person: &&Person| person.role == Role::Student;
    let students: Vec<Uuid> = people.iter().filter(is_student).map(|person| person.id).collect();
    people.sort_unstable_by_key(|person| person.id);
    people.dedup_by_key(|person| person.id);
    let txn = app.db.begin().await?;
    let known = store::person::some(&*txn, &students).await?;
    let known: HashSet<Uuid> = known.into_iter().map(|person| person.id).collect();
    people.retain(|person| person.role != Role::Student || known.contains(&person.id));
    store::person::keep_in_txn(&txn, &people).await?;
    txn.commit().await?;
    Ok(students.len() as u64)
}
