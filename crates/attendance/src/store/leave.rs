//! The copies of leaves.

use chrono::NaiveDate;
use kit::db::Txn;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, DbErr, EntityTrait as _, QueryFilter as _, QuerySelect as _,
    sea_query::OnConflict,
};
use uuid::Uuid;

use super::entity::leave::{ActiveModel, Column, Entity, Model};
use crate::domain::Leave;

/// A leave as it was known before, held until the transaction ends: whoever hears of the same leave waits. One that was not known
/// is there without days from now on.
pub(crate) async fn take_in_txn(txn: &Txn, leave: &Leave) -> Result<Leave, DbErr> {
    let unknown = ActiveModel {
        version: Set(0),
        approved: Set(false),
        ..row(leave)
    };
    Entity::insert(unknown)
        .on_conflict(OnConflict::column(Column::Id).do_nothing().to_owned())
        .exec_without_returning(&**txn)
        .await?;
    let found = Entity::find_by_id(leave.id).lock_exclusive().one(&**txn).await?;
    found
        .map(from_row)
        .ok_or_else(|| DbErr::RecordNotFound(format!("leave {}", leave.id)))
}

/// Keeps a leave; the caller knows that it is newer.
pub(crate) async fn keep_in_txn(txn: &Txn, leave: &Leave) -> Result<(), DbErr> {
    Entity::update_many()
        .set(row(leave))
        .filter(Column::Id.eq(leave.id))
        .exec(&**txn)
        .await?;
    Ok(())
}

/// The approved leaves of a student that have days in this period.
pub(crate) async fn approved_in_txn(
    txn: &Txn,
    student: Uuid,
    from: NaiveDate,
    to: NaiveDate,
) -> Result<Vec<Leave>, DbErr> {
    let rows = Entity::find()
        .filter(Column::StudentId.eq(student))
        .filter(Column::FromDate.lte(to))
        .filter(Column::ToDate.gte(from))
        .filter(Column::Approved.eq(true))
        .all(&**txn)
        .await?;
    Ok(rows.into_iter().map(from_row).collect())
}

fn row(leave: &Leave) -> ActiveModel {
    ActiveModel {
        id: Set(leave.id),
        version: Set(leave.version),
        student_id: Set(leave.student_id),
        from_date: Set(leave.from),
        to_date: Set(leave.to),
        approved: Set(leave.approved),
    }
}

fn from_row(row: Model) -> Leave {
    Leave {
        id: row.id,
        version: row.version,
        student_id: row.student_id,
        from: row.from_date,
        to: row.to_date,
        approved: row.approved,
    }
}
