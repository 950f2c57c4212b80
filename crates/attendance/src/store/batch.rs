//! Tries that are stored together.
//!
//! The roll calls are locked first, in the order of their ids: whoever writes a mark holds that lock, so what is read here of
//! marks is still so when the transaction commits.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use kit::db::{Rows, Txn, execute, one_of, places, statement};
use sea_orm::{ConnectionTrait as _, DbBackend, DbErr, FromQueryResult, Value};
use uuid::Uuid;

use crate::domain::{MarkSource, MarkStatus, Outcome, Scan};

/// Rows asked for by all their columns in a statement: SQLite takes expressions of a depth of 1,000.
const SOME: usize = 200;

/// A student in a roll call.
pub(crate) type Place = (Uuid, Uuid);

/// A roll call as it is while it is locked.
#[derive(Clone, Debug, FromQueryResult)]
pub(crate) struct Locked {
    pub id: Uuid,
    pub day: NaiveDate,
    pub version: i64,
    /// Up to which version others were told of its marks.
    pub told_version: i64,
    pub closed_at: Option<DateTime<Utc>>,
    pub settled_at: Option<DateTime<Utc>>,
}

/// A mark about to be written for a scan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewMark<'a> {
    pub scan: &'a Scan,
    pub session: Uuid,
    pub source: MarkSource,
    /// Tells the code from others.
    pub token: Option<[u8; 8]>,
    /// It turns what said that the student was not there.
    pub retracts_absence: bool,
    /// The version of its roll call that it comes with; 0 where the caller tells of it.
    pub version: i64,
    pub now: DateTime<Utc>,
}

/// A mark that is there.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    pub status: MarkStatus,
    pub source: MarkSource,
    pub scan_id: Option<Uuid>,
    pub scanned_at: Option<DateTime<Utc>>,
    pub distance_meters: Option<f64>,
    pub token: Option<Vec<u8>>,
    pub marked_at: DateTime<Utc>,
}

#[derive(FromQueryResult)]
struct StandingRow {
    session_id: Uuid,
    student_id: Uuid,
    status: String,
    source: String,
    scan_id: Option<Uuid>,
    scanned_at: Option<DateTime<Utc>>,
    distance_meters: Option<f64>,
    token: Option<Vec<u8>>,
    marked_at: DateTime<Utc>,
}

/// A question to the guard that is there.
#[derive(Clone, Debug, FromQueryResult)]
pub(crate) struct Question {
    pub scan_id: Uuid,
    pub session_id: Uuid,
    pub student_id: Uuid,
    pub verdict: Option<String>,
    pub decided_at: Option<DateTime<Utc>>,
    pub scanned_at: DateTime<Utc>,
    pub distance_meters: Option<f64>,
}

#[derive(FromQueryResult)]
struct Wrong {
    session_id: Uuid,
    student_id: Uuid,
    tries: i64,
}

/// Locks roll calls until the transaction ends. SQLite has one writer at a time.
pub(crate) async fn lock_in_txn(txn: &Txn, sessions: &[Uuid]) -> Result<HashMap<Uuid, Locked>, DbErr> {
    if sessions.is_empty() {
        return Ok(HashMap::new());
    }
    let lock = match txn.get_database_backend() {
        DbBackend::Postgres => "FOR UPDATE",
        _ => "",
    };
    let (these, ids) = one_of(txn.get_database_backend(), "id", 0, sessions.iter().copied())?;
    let sql = format!(
        "SELECT id, day, version, told_version, closed_at, settled_at FROM session WHERE {these} ORDER BY id {lock}"
    );
    let rows = Locked::find_by_statement(statement(&**txn, sql, ids));
    let rows = rows.all(&**txn).await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// How many wrong digits these students sent to these roll calls.
pub(crate) async fn wrong_digits_in_txn(txn: &Txn, asked: &HashSet<Place>) -> Result<HashMap<Place, i64>, DbErr> {
    if asked.is_empty() {
        return Ok(HashMap::new());
    }
    let (students, sessions) = (places(0, asked.len()), places(asked.len(), asked.len()));
    let sql = format!(
        "SELECT session_id, student_id, COUNT(*) AS tries FROM scan WHERE student_id IN ({students}) \
         AND session_id IN ({sessions}) AND code = 'OTP_INVALID' GROUP BY session_id, student_id"
    );
    let students = asked.iter().map(|(_, student)| Value::from(*student));
    let values = students.chain(asked.iter().map(|(session, _)| Value::from(*session)));
    let rows = Wrong::find_by_statement(statement(&**txn, sql, values))
        .all(&**txn)
        .await?;
    let counted = rows
        .into_iter()
        .map(|row| ((row.session_id, row.student_id), row.tries));
    Ok(counted.collect())
}

/// Marks whoever has no mark yet, and says who that was.
pub(crate) async fn mark_in_txn(txn: &Txn, marks: &[NewMark<'_>]) -> Result<HashSet<Place>, DbErr> {
    if marks.is_empty() {
        return Ok(HashSet::new());
    }
    let values = marks.iter().map(|mark| -> [Value; 12] {
        [
            mark.scan.day.into(),
            mark.session.into(),
            mark.scan.student_id.into(),
            MarkStatus::Present.as_str().into(),
            mark.source.as_str().into(),
            mark.scan.id.into(),
            mark.scan.scanned_at.into(),
            mark.scan.distance_meters.into(),
            mark.token.map(|token| token.to_vec()).into(),
            mark.now.into(),
            mark.retracts_absence.into(),
            mark.version.into(),
        ]
    });
    let columns = [
        "day",
        "session_id",
        "student_id",
        "status",
        "source",
        "scan_id",
        "scanned_at",
        "distance_meters",
        "token",
        "marked_at",
        "retracts_absence",
        "version",
    ];
    let (table, values) = ("mark", values.collect());
    let new = Rows { table, columns, values };
    let insert = new.insert(
        txn.get_database_backend(),
        "ON CONFLICT DO NOTHING RETURNING session_id, student_id",
    )?;
    let rows = txn.query_all_raw(insert).await?;
    let new = rows
        .iter()
        .map(|row| Ok((row.try_get("", "session_id")?, row.try_get("", "student_id")?)));
    new.collect()
}

/// Turns a mark that says something else into presence.
pub(crate) async fn turn_in_txn(txn: &Txn, mark: &NewMark<'_>) -> Result<(), DbErr> {
    let sql = "UPDATE mark SET status = $1, source = $2, scan_id = $3, scanned_at = $4, distance_meters = $5, token = $6, \
               marked_at = $7, retracts_absence = $8, version = $9 \
               WHERE day = $10 AND session_id = $11 AND student_id = $12";
    let values: [Value; 12] = [
        MarkStatus::Present.as_str().into(),
        mark.source.as_str().into(),
        mark.scan.id.into(),
        mark.scan.scanned_at.into(),
        mark.scan.distance_meters.into(),
        mark.token.map(|token| token.to_vec()).into(),
        mark.now.into(),
        mark.retracts_absence.into(),
        mark.version.into(),
        mark.scan.day.into(),
        mark.session.into(),
        mark.scan.student_id.into(),
    ];
    execute(&**txn, sql, values).await?;
    Ok(())
}

/// How these students stand.
pub(crate) async fn standing_in_txn(
    txn: &Txn,
    asked: &[(NaiveDate, Uuid, Uuid)],
) -> Result<HashMap<Place, Standing>, DbErr> {
    if asked.is_empty() {
        return Ok(HashMap::new());
    }
    let mut found = HashMap::new();
    for some in asked.chunks(SOME) {
        let wanted: Vec<String> = (0..some.len())
            .map(|row| row * 3)
            .map(|at| {
                format!(
                    "(day = ${} AND session_id = ${} AND student_id = ${})",
                    at + 1,
                    at + 2,
                    at + 3
                )
            })
            .collect();
        let sql = format!(
            "SELECT session_id, student_id, status, source, scan_id, scanned_at, distance_meters, token, marked_at \
             FROM mark WHERE {}",
            wanted.join(" OR ")
        );
        let values = some.iter().flat_map(|(day, session, student)| -> [Value; 3] {
            [(*day).into(), (*session).into(), (*student).into()]
        });
        let rows = StandingRow::find_by_statement(statement(&**txn, sql, values))
            .all(&**txn)
            .await?;
        for row in rows {
            let place = (row.session_id, row.student_id);
            found.insert(place, standing(row)?);
        }
    }
    Ok(found)
}

fn standing(row: StandingRow) -> Result<Standing, DbErr> {
    let wrong = |column: &str, text: &str| {
        let (session, student) = (row.session_id, row.student_id);
        DbErr::Type(format!("table mark, row {session}/{student}: {column} is {text}"))
    };
    Ok(Standing {
        status: MarkStatus::parse(&row.status).ok_or_else(|| wrong("status", &row.status))?,
        source: MarkSource::parse(&row.source).ok_or_else(|| wrong("source", &row.source))?,
        scan_id: row.scan_id,
        scanned_at: row.scanned_at,
        distance_meters: row.distance_meters,
        token: row.token,
        marked_at: row.marked_at,
    })
}

/// What the guard was asked of these students.
pub(crate) async fn questions_in_txn(txn: &Txn, asked: &HashSet<Place>) -> Result<Vec<Question>, DbErr> {
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let (sessions, students) = (places(0, asked.len()), places(asked.len(), asked.len()));
    let sql = format!(
        "SELECT awaiting.scan_id, awaiting.session_id, awaiting.student_id, awaiting.verdict, awaiting.decided_at, \
         scan.scanned_at, scan.distance_meters FROM awaiting \
         JOIN scan ON scan.day = awaiting.day AND scan.id = awaiting.scan_id \
         WHERE awaiting.session_id IN ({sessions}) AND awaiting.student_id IN ({students}) ORDER BY awaiting.asked_at"
    );
    let sessions = asked.iter().map(|(session, _)| Value::from(*session));
    let values = sessions.chain(asked.iter().map(|(_, student)| Value::from(*student)));
    Question::find_by_statement(statement(&**txn, sql, values))
        .all(&**txn)
        .await
}

/// Asks the guard.
pub(crate) async fn ask_in_txn(txn: &Txn, scans: &[&Scan]) -> Result<(), DbErr> {
    if scans.is_empty() {
        return Ok(());
    }
    let values = scans.iter().map(|scan| -> [Value; 5] {
        [
            scan.id.into(),
            scan.day.into(),
            scan.session_id.into(),
            scan.student_id.into(),
            scan.received_at.into(),
        ]
    });
    let columns = ["scan_id", "day", "session_id", "student_id", "asked_at"];
    let (table, values) = ("awaiting", values.collect());
    let questions = Rows { table, columns, values };
    txn.execute_raw(questions.insert(txn.get_database_backend(), "")?)
        .await?;
    Ok(())
}

/// Keeps tries and what came of them.
pub(crate) async fn keep_in_txn(
    txn: &Txn,
    scans: impl ExactSizeIterator<Item = (&Scan, Outcome, Option<&'static str>)>,
) -> Result<(), DbErr> {
    let values = scans.map(|(scan, outcome, code)| -> [Value; 17] {
        let counter = scan
            .device
            .map(|(_, counter)| i64::try_from(counter).unwrap_or(i64::MAX));
        [
            scan.id.into(),
            scan.day.into(),
            scan.session_id.into(),
            scan.student_id.into(),
            outcome.as_str().into(),
            code.into(),
            scan.offline.into(),
            scan.scanned_at.into(),
            scan.received_at.into(),
            scan.distance_meters.into(),
            scan.accuracy_meters.into(),
            scan.point.map(|(latitude, _)| latitude).into(),
            scan.point.map(|(_, longitude)| longitude).into(),
            scan.evidence.to_text().into(),
            scan.device.map(|(id, _)| id).into(),
            counter.into(),
            scan.slot.map(i64::from).into(),
        ]
    });
    let columns = [
        "id",
        "day",
        "session_id",
        "student_id",
        "outcome",
        "code",
        "offline",
        "scanned_at",
        "received_at",
        "distance_meters",
        "accuracy_meters",
        "latitude",
        "longitude",
        "evidence",
        "device_id",
        "device_counter",
        "token_counter",
    ];
    let (table, values) = ("scan", values.collect());
    let tries = Rows { table, columns, values };
    txn.execute_raw(tries.insert(txn.get_database_backend(), "")?).await?;
    Ok(())
}

/// Takes so many of the next versions of locked roll calls: something happened that others are to be told. The roll call itself
/// is as it was, so its time of change stays, and PostgreSQL has no index to write.
pub(crate) async fn take_versions_in_txn(txn: &Txn, sessions: &[Uuid], versions: i64) -> Result<(), DbErr> {
    if sessions.is_empty() {
        return Ok(());
    }
    let (these, ids) = one_of(txn.get_database_backend(), "id", 1, sessions.iter().copied())?;
    let sql = format!("UPDATE session SET version = version + $1 WHERE {these}");
    let values = std::iter::once(Value::from(versions)).chain(ids);
    execute(&**txn, sql, values).await?;
    Ok(())
}
