//! All that is held of a student, to be told or to be forgotten.

use chrono::{DateTime, NaiveDate, Utc};
use kit::db::Txn;
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult, Statement};
use uuid::Uuid;

#[derive(FromQueryResult)]
pub(crate) struct HeldScan {
    pub id: Uuid,
    pub session_id: Option<Uuid>,
    pub outcome: String,
    pub code: Option<String>,
    pub offline: bool,
    pub scanned_at: DateTime<Utc>,
    pub received_at: DateTime<Utc>,
    pub distance_meters: Option<f64>,
    pub accuracy_meters: Option<f64>,
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    pub evidence: String,
    pub device_id: Option<Uuid>,
}

#[derive(FromQueryResult)]
pub(crate) struct HeldMark {
    pub day: NaiveDate,
    pub session_id: Uuid,
    pub status: String,
    pub source: String,
    pub scanned_at: Option<DateTime<Utc>>,
    pub distance_meters: Option<f64>,
    pub marked_at: DateTime<Utc>,
}

#[derive(FromQueryResult)]
pub(crate) struct HeldChange {
    pub day: NaiveDate,
    pub session_id: Uuid,
    pub before: Option<String>,
    pub after: String,
    pub source: String,
    pub reason: Option<String>,
    pub changed_at: DateTime<Utc>,
}

#[derive(FromQueryResult)]
pub(crate) struct HeldFlag {
    pub kind: String,
    pub session_id: Uuid,
    pub detail: String,
    pub raised_at: DateTime<Utc>,
    pub verdict: Option<String>,
    pub note: Option<String>,
    pub reviewed_at: Option<DateTime<Utc>>,
}

/// The last tries of a student.
pub(crate) async fn scans(db: &impl ConnectionTrait, student: Uuid, most: u32) -> Result<Vec<HeldScan>, DbErr> {
    let sql = "SELECT id, session_id, outcome, code, offline, scanned_at, received_at, distance_meters, accuracy_meters, \
               latitude, longitude, evidence, device_id FROM scan WHERE student_id = $1 ORDER BY received_at DESC, id DESC";
    last(db, sql, student, most).await
}

/// The last marks of a student.
pub(crate) async fn marks(db: &impl ConnectionTrait, student: Uuid, most: u32) -> Result<Vec<HeldMark>, DbErr> {
    let sql = "SELECT day, session_id, status, source, scanned_at, distance_meters, marked_at FROM mark \
               WHERE student_id = $1 ORDER BY day DESC, session_id DESC";
    last(db, sql, student, most).await
}

/// The last changes of a student's marks.
pub(crate) async fn changes(db: &impl ConnectionTrait, student: Uuid, most: u32) -> Result<Vec<HeldChange>, DbErr> {
    let sql = "SELECT day, session_id, before, after, source, reason, changed_at FROM mark_change \
               WHERE student_id = $1 ORDER BY changed_at DESC, id DESC";
    last(db, sql, student, most).await
}

/// The last flags that are about a student.
pub(crate) async fn flags(db: &impl ConnectionTrait, student: Uuid, most: u32) -> Result<Vec<HeldFlag>, DbErr> {
    let sql = format!(
        "SELECT kind, session_id, detail, raised_at, verdict, note, reviewed_at FROM flag \
         WHERE student_ids LIKE $1 ORDER BY raised_at DESC, id DESC LIMIT {most}"
    );
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, [about(student).into()]);
    HeldFlag::find_by_statement(statement).all(db).await
}

#[derive(FromQueryResult)]
struct Id {
    id: Uuid,
}

/// Takes places and words out of what is held of a student; the flags whose words went.
pub(crate) async fn forget_in_txn(txn: &Txn, student: Uuid) -> Result<Vec<Uuid>, DbErr> {
    let backend = txn.get_database_backend();
    for sql in [
        "UPDATE scan SET latitude = NULL, longitude = NULL WHERE student_id = $1 AND latitude IS NOT NULL",
        "UPDATE mark_change SET reason = NULL WHERE student_id = $1 AND reason IS NOT NULL",
    ] {
        let statement = Statement::from_sql_and_values(backend, sql, [student.into()]);
        txn.execute_raw(statement).await?;
    }
    let sql = "UPDATE flag SET note = NULL, detail = '' WHERE student_ids LIKE $1 RETURNING id";
    let statement = Statement::from_sql_and_values(backend, sql, [about(student).into()]);
    let flags = Id::find_by_statement(statement).all(&**txn).await?;
    Ok(flags.into_iter().map(|row| row.id).collect())
}

/// How a list of ids looks that names the student.
fn about(student: Uuid) -> String {
    format!("%\"{student}\"%")
}

async fn last<T: FromQueryResult>(
    db: &impl ConnectionTrait,
    sql: &str,
    student: Uuid,
    most: u32,
) -> Result<Vec<T>, DbErr> {
    let sql = format!("{sql} LIMIT {most}");
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, [student.into()]);
    T::find_by_statement(statement).all(db).await
}
