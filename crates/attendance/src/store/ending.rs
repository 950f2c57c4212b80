//! The marks that a roll call's end gives to those who were not marked before.

use chrono::{DateTime, Utc};
use kit::{Clock, db::Txn};
use sea_orm::{ActiveValue::Set, ConnectionTrait as _, DbErr, EntityTrait as _, FromQueryResult, Statement};
use uuid::Uuid;

use crate::domain::{MarkSource, MarkStatus, Session};

/// Ten values a row; SQLite takes 32,766 of them in a statement.
const ROWS_A_STATEMENT: usize = 1000;

mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, DeriveEntityModel)]
    #[sea_orm(table_name = "mark_change")]
    pub(super) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub day: Date,
        pub session_id: Uuid,
        pub student_id: Uuid,
        pub before: Option<String>,
        pub after: String,
        pub source: String,
        pub reason: Option<String>,
        pub author: Option<Uuid>,
        pub changed_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

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

/// What became of students' marks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Became {
    pub before: Option<MarkStatus>,
    pub after: MarkStatus,
    pub source: MarkSource,
}

/// Writes down what became of the marks of these students.
pub(crate) async fn note_in_txn(
    txn: &Txn,
    clock: &Clock,
    session: &Session,
    students: &[Uuid],
    became: Became,
) -> Result<(), DbErr> {
    let now = clock.now();
    for chunk in students.chunks(ROWS_A_STATEMENT) {
        let rows = chunk.iter().map(|student| row::ActiveModel {
            id: Set(clock.new_id()),
            day: Set(session.day),
            session_id: Set(session.id),
            student_id: Set(*student),
            before: Set(became.before.map(|status| status.as_str().to_owned())),
            after: Set(became.after.as_str().to_owned()),
            source: Set(became.source.as_str().to_owned()),
            reason: Set(None),
            author: Set(None),
            changed_at: Set(now),
        });
        row::Entity::insert_many(rows).exec_without_returning(&**txn).await?;
    }
    Ok(())
}
