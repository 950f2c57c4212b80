//! How many students of roll calls were there.

use std::collections::HashMap;

use kit::{Db, db::places};
use sea_orm::{DbErr, FromQueryResult, Statement, Value};
use uuid::Uuid;

use crate::domain::{Counts, MarkStatus, Session};

#[derive(FromQueryResult)]
struct Row {
    session_id: Uuid,
    what: String,
    number: i64,
}

/// The counts of these roll calls, in one statement: whatever happens meanwhile, each student is counted once. The marks say it all
/// of a closed one; while one is open, whoever is expected and has no mark is excused by a leave, or pending.
pub(crate) async fn of(db: &Db, sessions: &[Session]) -> Result<HashMap<Uuid, Counts>, DbErr> {
    let mut counts: HashMap<Uuid, Counts> = sessions.iter().map(|session| (session.id, Counts::default())).collect();
    if sessions.is_empty() {
        return Ok(counts);
    }
    let number = sessions.len();
    let ids = places(0, number);
    let days = places(number, number);
    let sql = format!(
        "SELECT session_id, status AS what, COUNT(*) AS number FROM mark \
         WHERE day IN ({days}) AND session_id IN ({ids}) GROUP BY session_id, status \
         UNION ALL \
         SELECT session_id, what, COUNT(*) AS number FROM ( \
           SELECT session.id AS session_id, CASE WHEN EXISTS (SELECT 1 FROM leave \
             WHERE leave.student_id = student.id AND leave.approved \
             AND leave.from_date <= session.day AND leave.to_date >= session.day) \
             THEN 'excused' ELSE 'pending' END AS what \
           FROM session JOIN student ON student.block_folded = session.block_folded \
             AND student.year = session.year AND student.active \
           WHERE session.id IN ({ids}) AND session.closed_at IS NULL AND NOT EXISTS (SELECT 1 FROM mark \
             WHERE mark.day = session.day AND mark.session_id = session.id AND mark.student_id = student.id) \
         ) AS unmarked GROUP BY session_id, what \
         UNION ALL \
         SELECT session_id, 'awaiting' AS what, COUNT(*) AS number FROM awaiting \
         WHERE session_id IN ({ids}) AND decided_at IS NULL GROUP BY session_id"
    );
    let ids = sessions.iter().map(|session| Value::from(session.id));
    let days = sessions.iter().map(|session| Value::from(session.day));
    let statement = Statement::from_sql_and_values(db.backend(), sql, ids.chain(days));
    for row in Row::find_by_statement(statement).all(db.reader()).await? {
        let Some(counts) = counts.get_mut(&row.session_id) else {
            continue;
        };
        let number = u32::try_from(row.number).unwrap_or(u32::MAX);
        match MarkStatus::parse(&row.what) {
            Some(status) => counts.add(status, number),
            None => counts.awaiting += number,
        }
    }
    Ok(counts)
}
