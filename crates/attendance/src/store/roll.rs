//! Marks as lists: of a roll call, of a student, and how one came to be.

use chrono::{DateTime, NaiveDate, Utc};
use kit::page::Paging;
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult, Value};
use uuid::Uuid;

use super::statement;
use crate::{
    Error,
    domain::{MarkSource, MarkStatus, Period, Session},
};

/// A line of a list: a mark, or a student who has none yet, and whose.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RollLine {
    pub session_id: Uuid,
    pub student_id: Uuid,
    pub name: String,
    pub registration_no: String,
    pub room_no: Option<String>,
    pub block: String,
    pub year: u8,
    pub day: NaiveDate,
    pub status: MarkStatus,
    /// `None` while nothing says anything.
    pub source: Option<MarkSource>,
    pub scanned_at: Option<DateTime<Utc>>,
    pub distance_meters: Option<f64>,
    pub marked_at: Option<DateTime<Utc>>,
}

/// How a mark came to be, step by step.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    pub before: Option<MarkStatus>,
    pub after: MarkStatus,
    pub source: MarkSource,
    pub reason: Option<String>,
    pub author: Option<Uuid>,
    pub changed_at: DateTime<Utc>,
}

#[derive(FromQueryResult)]
struct StandingRow {
    student_id: Uuid,
    name: Option<String>,
    registration_no: Option<String>,
    room_no: Option<String>,
    status: String,
    source: Option<String>,
    scanned_at: Option<DateTime<Utc>>,
    distance_meters: Option<f64>,
    marked_at: Option<DateTime<Utc>>,
}

#[derive(FromQueryResult)]
struct OwnRow {
    #[sea_orm(nested)]
    standing: StandingRow,
    session_id: Uuid,
    block: String,
    year: i16,
    day: NaiveDate,
}

#[derive(FromQueryResult)]
struct StepRow {
    before: Option<String>,
    after: String,
    source: String,
    reason: Option<String>,
    author: Option<Uuid>,
    changed_at: DateTime<Utc>,
}

#[derive(FromQueryResult)]
struct Count {
    number: i64,
}

/// Everybody who stands in a roll call, by room and name. While it is open, who was not there yet stands in it by their leaves alone.
pub(crate) async fn of_session(
    db: &impl ConnectionTrait,
    session: &Session,
    status: Option<MarkStatus>,
    paging: Paging,
) -> Result<(Vec<RollLine>, u64), Error> {
    let mut values: Vec<Value> = vec![session.day.into(), session.id.into()];
    let mut all = "SELECT m.student_id, s.name, s.registration_no, s.room_no, m.status, m.source, m.scanned_at, \
                   m.distance_meters, m.marked_at FROM mark m LEFT JOIN student s ON s.id = m.student_id \
                   WHERE m.day = $1 AND m.session_id = $2"
        .to_owned();
    if session.is_open() {
        all.push_str(
            " UNION ALL SELECT s.id, s.name, s.registration_no, s.room_no, \
             CASE WHEN l.student_id IS NULL THEN 'pending' ELSE 'excused' END, \
             CASE WHEN l.student_id IS NULL THEN NULL ELSE 'leave' END, \
             CAST(NULL AS TIMESTAMPTZ), CAST(NULL AS DOUBLE PRECISION), CAST(NULL AS TIMESTAMPTZ) FROM student s \
             LEFT JOIN (SELECT DISTINCT student_id FROM leave WHERE approved AND from_date <= $1 AND to_date >= $1) l \
             ON l.student_id = s.id WHERE s.block_folded = $3 AND s.year = $4 AND s.active \
             AND NOT EXISTS (SELECT 1 FROM mark m WHERE m.day = $1 AND m.session_id = $2 AND m.student_id = s.id)",
        );
        values.extend([session.block_folded.clone().into(), i16::from(session.year).into()]);
    }
    let mut which = format!("FROM ({all}) roll");
    if let Some(status) = status {
        values.push(status.as_str().into());
        which = format!("{which} WHERE status = ${}", values.len());
    }
    let total = count(db, &which, values.clone()).await?;
    let sql = format!(
        "SELECT roll.* {which} ORDER BY room_no NULLS LAST, name, student_id LIMIT {} OFFSET {}",
        paging.limit(),
        paging.offset()
    );
    let rows = StandingRow::find_by_statement(statement(db, &sql, values))
        .all(db)
        .await?;
    let of = (session.id, session.block.as_str(), session.year, session.day);
    let lines = rows.into_iter().map(|row| line(row, of)).collect::<Result<_, _>>()?;
    Ok((lines, total))
}

/// A student's marks, the latest first.
pub(crate) async fn of_student(
    db: &impl ConnectionTrait,
    student: Uuid,
    period: Option<Period>,
    status: Option<MarkStatus>,
    paging: Paging,
) -> Result<(Vec<RollLine>, u64), Error> {
    let mut values: Vec<Value> = vec![student.into()];
    let mut which = "FROM mark m JOIN session r ON r.id = m.session_id LEFT JOIN student s ON s.id = m.student_id \
                     WHERE m.student_id = $1"
        .to_owned();
    if let Some(period) = period {
        values.extend([period.from.into(), period.to.into()]);
        which.push_str(" AND m.day BETWEEN $2 AND $3");
    }
    if let Some(status) = status {
        values.push(status.as_str().into());
        which = format!("{which} AND m.status = ${}", values.len());
    }
    let total = count(db, &which, values.clone()).await?;
    let sql = format!(
        "SELECT m.session_id, m.student_id, s.name, s.registration_no, s.room_no, r.block, r.year, m.day, m.status, \
         m.source, m.scanned_at, m.distance_meters, m.marked_at {which} \
         ORDER BY m.day DESC, r.valid_from DESC, m.session_id DESC LIMIT {} OFFSET {}",
        paging.limit(),
        paging.offset()
    );
    let rows = OwnRow::find_by_statement(statement(db, &sql, values)).all(db).await?;
    let own = |row: OwnRow| {
        let year = u8::try_from(row.year).unwrap_or_default();
        line(row.standing, (row.session_id, &row.block, year, row.day))
    };
    let lines = rows.into_iter().map(own).collect::<Result<_, _>>()?;
    Ok((lines, total))
}

/// How a student's mark in a roll call came to be, the first first. A plain scan is found among the scans: it changed nothing that
/// was there.
pub(crate) async fn history(
    db: &impl ConnectionTrait,
    session: &Session,
    student: Uuid,
    paging: Paging,
) -> Result<(Vec<Step>, u64), Error> {
    let values: Vec<Value> = vec![session.id.into(), student.into(), session.day.into()];
    let which = "FROM (SELECT c.id, c.before, c.after, c.source, c.reason, c.author, c.changed_at FROM mark_change c \
                 WHERE c.session_id = $1 AND c.student_id = $2 \
                 UNION ALL SELECT n.id, NULL, 'present', CASE WHEN n.offline THEN 'offline' ELSE 'scan' END, NULL, \
                 n.student_id, n.received_at FROM scan n \
                 WHERE n.day = $3 AND n.session_id = $1 AND n.student_id = $2 AND n.outcome = 'marked' \
                 AND NOT EXISTS (SELECT 1 FROM mark_change c WHERE c.session_id = $1 AND c.student_id = $2 \
                 AND c.source IN ('scan', 'offline'))) history";
    let total = count(db, which, values.clone()).await?;
    let sql = format!(
        "SELECT before, after, source, reason, author, changed_at {which} ORDER BY changed_at, id LIMIT {} OFFSET {}",
        paging.limit(),
        paging.offset()
    );
    let rows = StepRow::find_by_statement(statement(db, &sql, values)).all(db).await?;
    let step = |row: StepRow| {
        let before = match row.before.as_deref() {
            None => None,
            Some(text) => Some(MarkStatus::parse(text)?),
        };
        Some(Step {
            before,
            after: MarkStatus::parse(&row.after)?,
            source: MarkSource::parse(&row.source)?,
            reason: row.reason,
            author: row.author,
            changed_at: row.changed_at,
        })
    };
    let wrong = || Error::Inconsistent {
        table: "mark_change",
        row: session.id,
        what: "before, after or source",
    };
    let steps = rows
        .into_iter()
        .map(|row| step(row).ok_or_else(wrong))
        .collect::<Result<_, _>>()?;
    Ok((steps, total))
}

async fn count(db: &impl ConnectionTrait, which: &str, values: Vec<Value>) -> Result<u64, DbErr> {
    let sql = format!("SELECT COUNT(*) AS number {which}");
    let row = Count::find_by_statement(statement(db, &sql, values)).one(db).await?;
    Ok(row.and_then(|row| u64::try_from(row.number).ok()).unwrap_or_default())
}

/// A line of a list, and the roll call that it is of.
fn line(row: StandingRow, (session_id, block, year, day): (Uuid, &str, u8, NaiveDate)) -> Result<RollLine, Error> {
    let wrong = |what| Error::Inconsistent {
        table: "mark",
        row: session_id,
        what,
    };
    let source = row.source.as_deref();
    let source = source.map(|text| MarkSource::parse(text).ok_or_else(|| wrong("source")));
    Ok(RollLine {
        session_id,
        student_id: row.student_id,
        status: MarkStatus::parse(&row.status).ok_or_else(|| wrong("status"))?,
        source: source.transpose()?,
        name: row.name.unwrap_or_default(),
        registration_no: row.registration_no.unwrap_or_default(),
        room_no: row.room_no,
        block: block.to_owned(),
        year,
        day,
        scanned_at: row.scanned_at,
        distance_meters: row.distance_meters,
        marked_at: row.marked_at,
    })
}
