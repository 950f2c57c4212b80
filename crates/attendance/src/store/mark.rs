//! Marks, and what changed them.

use chrono::{DateTime, NaiveDate, Utc};
use kit::db::Txn;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait as _, DbErr, EntityTrait as _, QueryFilter as _, QuerySelect as _, QueryTrait as _,
    sea_query::{Expr, OnConflict, SelectStatement},
};
use uuid::Uuid;

use super::entity::{
    mark::{ActiveModel, Column, Entity, Model},
    mark_change,
};
use crate::{
    Error,
    domain::{Mark, MarkChange, MarkSource, MarkStatus},
};

/// How a student stands in a roll call.
pub(crate) async fn find_in_txn(
    txn: &Txn,
    day: NaiveDate,
    session: Uuid,
    student: Uuid,
) -> Result<Option<Mark>, Error> {
    let row = Entity::find_by_id((day, session, student)).one(&**txn).await?;
    row.map(from_row).transpose()
}

/// Puts a mark, over what is there. What told its token from others goes with the scan that it was of.
pub(crate) async fn put_in_txn(txn: &Txn, mark: &Mark) -> Result<(), DbErr> {
    let row = ActiveModel {
        day: Set(mark.day),
        session_id: Set(mark.session_id),
        student_id: Set(mark.student_id),
        status: Set(mark.status.as_str().to_owned()),
        source: Set(mark.source.as_str().to_owned()),
        scan_id: Set(mark.scan_id),
        scanned_at: Set(mark.scanned_at),
        distance_meters: Set(mark.distance_meters),
        token: Set(None),
        marked_at: Set(mark.marked_at),
    };
    let mut over = OnConflict::columns([Column::Day, Column::SessionId, Column::StudentId]);
    over.update_columns([
        Column::Status,
        Column::Source,
        Column::ScanId,
        Column::ScannedAt,
        Column::DistanceMeters,
        Column::Token,
        Column::MarkedAt,
    ]);
    Entity::insert(row)
        .on_conflict(over)
        .exec_without_returning(&**txn)
        .await?;
    Ok(())
}

/// A student's marks of some days that a leave may bear on: neither presence nor a warden's word.
pub(crate) async fn excusable_in_txn(
    txn: &Txn,
    student: Uuid,
    (from, to): (NaiveDate, NaiveDate),
) -> Result<Vec<Mark>, Error> {
    let rows = Entity::find()
        .filter(Column::StudentId.eq(student))
        .filter(Column::Day.between(from, to))
        .filter(Column::Status.ne(MarkStatus::Present.as_str()))
        .filter(Column::Source.ne(MarkSource::Manual.as_str()))
        .all(&**txn)
        .await?;
    rows.into_iter().map(from_row).collect()
}

/// Changes how a student stands in several roll calls.
pub(crate) async fn restate_in_txn(
    txn: &Txn,
    student: Uuid,
    marks: &[(NaiveDate, Uuid)],
    (status, source): (MarkStatus, MarkSource),
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    if marks.is_empty() {
        return Ok(());
    }
    Entity::update_many()
        .col_expr(Column::Status, Expr::val(status.as_str()))
        .col_expr(Column::Source, Expr::val(source.as_str()))
        .col_expr(Column::MarkedAt, Expr::val(now))
        .filter(Column::StudentId.eq(student))
        .filter(Column::Day.is_in(marks.iter().map(|(day, _)| *day)))
        .filter(Column::SessionId.is_in(marks.iter().map(|(_, session)| *session)))
        .exec(&**txn)
        .await?;
    Ok(())
}

/// Notes changes of marks. Nothing of a note ever changes.
pub(crate) async fn note_in_txn(txn: &Txn, changes: &[MarkChange]) -> Result<(), DbErr> {
    // Ten values a row, and SQLite takes 32,766 of them in a statement.
    for some in changes.chunks(1000) {
        let rows = some.iter().map(|change| mark_change::ActiveModel {
            id: Set(change.id),
            day: Set(change.day),
            session_id: Set(change.session_id),
            student_id: Set(change.student_id),
            before: Set(change.before.map(|status| status.as_str().to_owned())),
            after: Set(change.after.as_str().to_owned()),
            source: Set(change.source.as_str().to_owned()),
            reason: Set(change.reason.clone()),
            author: Set(change.author),
            changed_at: Set(change.changed_at),
        });
        mark_change::Entity::insert_many(rows)
            .exec_without_returning(&**txn)
            .await?;
    }
    Ok(())
}

/// The roll calls of some days that a student has a mark in, for other queries.
pub(super) fn sessions_of(student: Uuid, from: NaiveDate, to: NaiveDate) -> SelectStatement {
    Entity::find()
        .select_only()
        .column(Column::SessionId)
        .filter(Column::StudentId.eq(student))
        .filter(Column::Day.between(from, to))
        .into_query()
}

fn from_row(row: Model) -> Result<Mark, Error> {
    let wrong = |what| Error::Inconsistent {
        table: "mark",
        row: row.session_id,
        what,
    };
    Ok(Mark {
        day: row.day,
        session_id: row.session_id,
        student_id: row.student_id,
        status: MarkStatus::parse(&row.status).ok_or_else(|| wrong("status"))?,
        source: MarkSource::parse(&row.source).ok_or_else(|| wrong("source"))?,
        scan_id: row.scan_id,
        scanned_at: row.scanned_at,
        distance_meters: row.distance_meters,
        marked_at: row.marked_at,
    })
}
