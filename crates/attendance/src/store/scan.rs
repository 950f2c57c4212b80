//! Tries as they are kept, and what the guard said of them.

use chrono::{DateTime, Days, NaiveDate, Utc};
use kit::{
    db::{Txn, execute, statement},
    page::Paging,
};
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult, Value};
use uuid::Uuid;

use crate::{
    Error,
    domain::{Evidence, Outcome, Session, Word},
    group::First,
};

/// A scan as it is read.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub id: Uuid,
    pub session_id: Option<Uuid>,
    pub student_id: Uuid,
    pub student_name: Option<String>,
    pub room_no: Option<String>,
    pub outcome: Outcome,
    pub code: Option<String>,
    pub offline: bool,
    pub scanned_at: DateTime<Utc>,
    pub received_at: DateTime<Utc>,
    pub distance_meters: Option<f64>,
    pub accuracy_meters: Option<f64>,
    pub evidence: Evidence,
    /// What the guard said, who that was, and when.
    pub word: Option<(Word, Uuid, DateTime<Utc>)>,
}

impl Kept {
    /// Whether it still waits for the guard's word.
    pub(crate) fn waits(&self) -> bool {
        self.outcome == Outcome::Awaiting && self.word.is_none()
    }
}

/// Which scans of a roll call to list.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Which {
    All,
    /// Those that wait for the guard's word, the first first.
    Awaiting,
    Present,
    Refused,
}

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    session_id: Option<Uuid>,
    student_id: Uuid,
    student_name: Option<String>,
    room_no: Option<String>,
    outcome: String,
    code: Option<String>,
    offline: bool,
    scanned_at: DateTime<Utc>,
    received_at: DateTime<Utc>,
    distance_meters: Option<f64>,
    accuracy_meters: Option<f64>,
    evidence: String,
    verdict: Option<String>,
    decided_by: Option<Uuid>,
    decided_at: Option<DateTime<Utc>>,
}

#[derive(FromQueryResult)]
struct FirstRow {
    scan_id: Option<Uuid>,
    scanned_at: Option<DateTime<Utc>>,
    distance_meters: Option<f64>,
}

#[derive(FromQueryResult)]
struct Total {
    total: i64,
}

/// A scan that was not certain shares the question with those that came after it while it was open.
const FROM: &str = "FROM scan LEFT JOIN student ON student.id = scan.student_id \
    LEFT JOIN awaiting ON awaiting.scan_id = (SELECT question.scan_id FROM awaiting AS question \
      WHERE scan.outcome = 'awaiting' AND question.session_id = scan.session_id \
      AND question.student_id = scan.student_id AND question.asked_at <= scan.received_at \
      ORDER BY question.asked_at DESC LIMIT 1)";

const COLUMNS: &str = "scan.id, scan.session_id, scan.student_id, student.name AS student_name, student.room_no, \
    scan.outcome, scan.code, scan.offline, scan.scanned_at, scan.received_at, scan.distance_meters, \
    scan.accuracy_meters, scan.evidence, awaiting.verdict, awaiting.decided_by, awaiting.decided_at";

/// A scan, by id. Ids tell when they were made: it lies on a day about then.
pub(crate) async fn find(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Kept>, Error> {
    let Some(made) = made_on(id) else { return Ok(None) };
    // The day is the roll call's: a late scan comes up to two days after it, and zones are up to 14 hours from UTC.
    let days = (0..5).map(|day| Value::from(made + Days::new(1) - Days::new(day)));
    let sql = format!("SELECT {COLUMNS} {FROM} WHERE scan.day IN ($1, $2, $3, $4, $5) AND scan.id = $6");
    let values = days.chain([id.into()]);
    let row = Row::find_by_statement(statement(db, sql, values)).one(db).await?;
    row.map(kept).transpose()
}

fn made_on(id: Uuid) -> Option<NaiveDate> {
    let (seconds, _) = id.get_timestamp()?.to_unix();
    Some(DateTime::from_timestamp(i64::try_from(seconds).ok()?, 0)?.date_naive())
}

/// One page of the scans of a roll call, and how many there are in all.
pub(crate) async fn page(
    db: &impl ConnectionTrait,
    session: &Session,
    which: Which,
    paging: Paging,
) -> Result<(Vec<Kept>, u64), Error> {
    let of_session = "scan.day = $1 AND scan.session_id = $2";
    let (only, order) = match which {
        Which::All => ("", "DESC"),
        // One question a student, and none of who was marked since.
        Which::Awaiting => (
            " AND awaiting.scan_id = scan.id AND awaiting.decided_at IS NULL AND NOT EXISTS (SELECT 1 FROM mark \
             WHERE mark.day = scan.day AND mark.session_id = scan.session_id AND mark.student_id = scan.student_id \
             AND (mark.status = 'present' OR mark.source = 'manual'))",
            "ASC",
        ),
        Which::Present => (
            " AND (scan.outcome = 'marked' OR awaiting.verdict = 'confirmed')",
            "DESC",
        ),
        Which::Refused => (
            " AND (scan.outcome IN ('refused', 'already_marked') OR awaiting.verdict = 'refused')",
            "DESC",
        ),
    };
    let values = || -> Vec<Value> { vec![session.day.into(), session.id.into()] };
    let sql = format!("SELECT COUNT(*) AS total {FROM} WHERE {of_session}{only}");
    let total = Total::find_by_statement(statement(db, sql, values())).one(db).await?;
    let total = total.map_or(0, |row| u64::try_from(row.total).unwrap_or_default());
    if total <= paging.offset() {
        return Ok((Vec::new(), total));
    }
    let sql = format!(
        "SELECT {COLUMNS} {FROM} WHERE {of_session}{only} ORDER BY scan.received_at {order}, scan.id {order} \
         LIMIT $3 OFFSET $4"
    );
    let limits = [paging.limit(), paging.offset()].map(|number| i64::try_from(number).unwrap_or(i64::MAX).into());
    let values = values().into_iter().chain(limits);
    let rows = Row::find_by_statement(statement(db, sql, values)).all(db).await?;
    Ok((rows.into_iter().map(kept).collect::<Result<_, _>>()?, total))
}

/// Scans as they are read: `which` is the condition, and the order and number where those matter.
pub(super) async fn read(
    db: &impl ConnectionTrait,
    which: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Vec<Kept>, Error> {
    let sql = format!("SELECT {COLUMNS} {FROM} WHERE {which}");
    let rows = Row::find_by_statement(statement(db, sql, values)).all(db).await?;
    rows.into_iter().map(kept).collect()
}

/// The scan by which a student was marked with this very code since then.
pub(crate) async fn mark_by_code(
    db: &impl ConnectionTrait,
    session: &Session,
    student: Uuid,
    token: [u8; 8],
    since: DateTime<Utc>,
) -> Result<Option<First>, DbErr> {
    let sql = "SELECT scan_id, scanned_at, distance_meters FROM mark WHERE day = $1 AND session_id = $2 \
               AND student_id = $3 AND status = 'present' AND token = $4 AND marked_at > $5";
    let values: [Value; 5] = [
        session.day.into(),
        session.id.into(),
        student.into(),
        token.to_vec().into(),
        since.into(),
    ];
    first(db, sql, values).await
}

/// The scan by which the guard was asked of a student with a code of this slot since then.
pub(crate) async fn question_by_slot(
    db: &impl ConnectionTrait,
    session: &Session,
    student: Uuid,
    slot: u32,
    since: DateTime<Utc>,
) -> Result<Option<First>, DbErr> {
    let sql = "SELECT scan.id AS scan_id, scan.scanned_at, scan.distance_meters FROM awaiting \
               JOIN scan ON scan.day = awaiting.day AND scan.id = awaiting.scan_id \
               WHERE awaiting.session_id = $1 AND awaiting.student_id = $2 AND awaiting.decided_at IS NULL \
               AND scan.token_counter = $3 AND awaiting.asked_at > $4";
    let values: [Value; 4] = [session.id.into(), student.into(), i64::from(slot).into(), since.into()];
    first(db, sql, values).await
}

async fn first(
    db: &impl ConnectionTrait,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Option<First>, DbErr> {
    let row = FirstRow::find_by_statement(statement(db, sql, values)).one(db).await?;
    Ok(row.and_then(|row| {
        Some(First {
            scan_id: row.scan_id?,
            scanned_at: row.scanned_at?,
            distance_meters: row.distance_meters,
        })
    }))
}

/// Writes the guard's word down, unless one is there; whether it was.
pub(crate) async fn decide_in_txn(
    txn: &Txn,
    scan: Uuid,
    word: Word,
    by: Uuid,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let sql = "UPDATE awaiting SET verdict = $1, decided_by = $2, decided_at = $3 WHERE scan_id = $4 \
               AND decided_at IS NULL";
    let values: [Value; 4] = [word.as_str().into(), by.into(), now.into(), scan.into()];
    Ok(execute(&**txn, sql, values).await? > 0)
}

fn kept(row: Row) -> Result<Kept, Error> {
    let wrong = |what| Error::Inconsistent {
        table: "scan",
        row: row.id,
        what,
    };
    let word = match (row.verdict.as_deref(), row.decided_by, row.decided_at) {
        (Some(text), Some(by), Some(at)) => Some((Word::parse(text).ok_or_else(|| wrong("verdict"))?, by, at)),
        _ => None,
    };
    Ok(Kept {
        id: row.id,
        session_id: row.session_id,
        student_id: row.student_id,
        outcome: Outcome::parse(&row.outcome).ok_or_else(|| wrong("outcome"))?,
        evidence: Evidence::parse(&row.evidence).ok_or_else(|| wrong("evidence"))?,
        student_name: row.student_name,
        room_no: row.room_no,
        code: row.code,
        offline: row.offline,
        scanned_at: row.scanned_at,
        received_at: row.received_at,
        distance_meters: row.distance_meters,
        accuracy_meters: row.accuracy_meters,
        word,
    })
}
