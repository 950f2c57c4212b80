//! Marks that were stored and not told yet.
//!
//! A batch moves each roll call in which it marks anybody on by a version, and its marks carry that version.
//! `session.told_version` says up to which of them others were told. So the mark itself holds what is still to be done, whatever
//! becomes of the process that stored it.

use chrono::{DateTime, NaiveDate, Utc};
use futures_util::TryStreamExt as _;
use kit::{
    Db,
    db::{Txn, execute, one_of, statement},
};
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult, StreamTrait, Value};
use uuid::Uuid;

use crate::{domain::MarkSource, events::Marked};

/// Which marks of a roll call these are.
const UNTOLD: &str = "mark.day = session.day AND mark.session_id = session.id AND mark.version > session.told_version \
                      AND mark.scan_id IS NOT NULL";

/// A roll call with marks that nobody was told of.
#[derive(Debug)]
pub(crate) struct Left {
    pub session: Uuid,
    pub day: NaiveDate,
    /// Up to which version others were told.
    pub told_version: i64,
    /// By their versions, the first one first.
    pub marks: Vec<(i64, Marked)>,
}

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    day: NaiveDate,
    told_version: i64,
    version: i64,
    student_id: Uuid,
    scan_id: Uuid,
    source: String,
    scanned_at: DateTime<Utc>,
    retracts_absence: bool,
}

#[derive(FromQueryResult)]
struct Id {
    id: Uuid,
}

/// What nobody was told of these roll calls.
pub(crate) async fn read(
    db: &(impl ConnectionTrait + StreamTrait),
    sessions: impl IntoIterator<Item = Uuid>,
) -> Result<Vec<Left>, DbErr> {
    let (these, ids) = one_of(ConnectionTrait::get_database_backend(db), "session.id", 0, sessions)?;
    let sql = format!(
        "SELECT session.id, session.day, session.told_version, mark.version, mark.student_id, mark.scan_id, mark.source, \
         mark.scanned_at, mark.retracts_absence FROM session JOIN mark ON {UNTOLD} WHERE {these} \
         ORDER BY session.id, mark.version, mark.scan_id"
    );
    // In a crowd these are thousands: none of them is held longer than it takes to note it.
    let mut rows = Row::find_by_statement(statement(db, sql, ids)).stream(db).await?;
    let mut left: Vec<Left> = Vec::new();
    while let Some(row) = rows.try_next().await? {
        if left.last().is_none_or(|last| last.session != row.id) {
            left.push(Left {
                session: row.id,
                day: row.day,
                told_version: row.told_version,
                marks: Vec::new(),
            });
        }
        if let Some(last) = left.last_mut() {
            last.marks.push((row.version, marked(&row)?));
        }
    }
    Ok(left)
}

fn marked(row: &Row) -> Result<Marked, DbErr> {
    let source = MarkSource::parse(&row.source).ok_or_else(|| {
        let (session, student, source) = (row.id, row.student_id, &row.source);
        DbErr::Type(format!("table mark, row {session}/{student}: source is {source}"))
    })?;
    Ok(Marked {
        student: row.student_id,
        scan: row.scan_id,
        source,
        scanned_at: row.scanned_at,
        retracts_absence: row.retracts_absence,
    })
}

/// Others were told of these roll calls, up to these versions.
pub(crate) async fn told_in_txn(txn: &Txn, told: &[(Uuid, i64)]) -> Result<(), DbErr> {
    if told.is_empty() {
        return Ok(());
    }
    let rows: Vec<String> = (0..told.len())
        .map(|row| format!("(${}, ${})", row * 2 + 1, row * 2 + 2))
        .collect();
    let sql = format!(
        "UPDATE session SET told_version = told.column2 FROM (VALUES {}) AS told WHERE session.id = told.column1",
        rows.join(", ")
    );
    let values = told
        .iter()
        .flat_map(|(session, version)| -> [Value; 2] { [(*session).into(), (*version).into()] });
    execute(&**txn, sql, values).await?;
    Ok(())
}

/// Some of the roll calls that are not over since then and have marks that nobody was told of.
pub(crate) async fn sessions(db: &Db, since: DateTime<Utc>, most: i64) -> Result<Vec<Uuid>, DbErr> {
    let sql = format!(
        "SELECT session.id FROM session WHERE (session.settled_at IS NULL OR session.settled_at > $1) \
         AND EXISTS (SELECT 1 FROM mark WHERE {UNTOLD}) ORDER BY session.id LIMIT $2"
    );
    let values = [Value::from(since), most.into()];
    let rows = Id::find_by_statement(statement(db.reader(), sql, values))
        .all(db.reader())
        .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}
