//! The marks that a roll call's end gives to those who were not marked before.

use chrono::{DateTime, Utc};
use kit::db::Txn;
use sea_orm::{ConnectionTrait as _, DbErr, FromQueryResult, Statement};
use uuid::Uuid;

use crate::domain::{MarkStatus, Session};

#[derive(FromQueryResult)]
struct Given {
    student_id: Uuid,
    status: String,
}

/// Gives everybody of the block and year who has no mark one: excused where an approved leave covers the day, else pending. Those
/// who are excused by it.
pub(crate) async fn complete_in_txn(txn: &Txn, session: &Session, now: DateTime<Utc>) -> Result<Vec<Uuid>, DbErr> {
    let sql = "INSERT INTO mark (day, session_id, student_id, status, source, marked_at) \
               SELECT $1, $2, student.id, CASE WHEN leave.student_id IS NULL THEN 'pending' ELSE 'excused' END, \
               CASE WHEN leave.student_id IS NULL THEN 'settlement' ELSE 'leave' END, $3 \
               FROM student LEFT JOIN (SELECT DISTINCT student_id FROM leave \
                 WHERE approved AND from_date <= $1 AND to_date >= $1) AS leave ON leave.student_id = student.id \
               WHERE student.block_folded = $4 AND student.year = $5 AND student.active \
               ON CONFLICT DO NOTHING RETURNING student_id, status";
    let values = [
        session.day.into(),
        session.id.into(),
        now.into(),
        session.block_folded.as_str().into(),
        i16::from(session.year).into(),
    ];
    let statement = Statement::from_sql_and_values(txn.get_database_backend(), sql, values);
    let given = Given::find_by_statement(statement).all(&**txn).await?;
    let excused = given
        .into_iter()
        .filter(|mark| mark.status == MarkStatus::Excused.as_str());
    Ok(excused.map(|mark| mark.student_id).collect())
}

/// Makes everybody absent who is still pending; who that is, in the order of their ids.
pub(crate) async fn settle_in_txn(txn: &Txn, session: &Session, now: DateTime<Utc>) -> Result<Vec<Uuid>, DbErr> {
    let sql = "UPDATE mark SET status = 'absent', source = 'settlement', marked_at = $3 \
               WHERE day = $1 AND session_id = $2 AND status = 'pending' RETURNING student_id, status";
    let values = [session.day.into(), session.id.into(), now.into()];
    let statement = Statement::from_sql_and_values(txn.get_database_backend(), sql, values);
    let given = Given::find_by_statement(statement).all(&**txn).await?;
    let mut absent: Vec<Uuid> = given.into_iter().map(|mark| mark.student_id).collect();
    absent.sort_unstable();
    Ok(absent)
}
