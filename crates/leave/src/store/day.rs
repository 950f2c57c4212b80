//! The days that leaves hold: of two leaves of a student on one day, the database refuses the second.

use kit::db::Txn;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    sea_query::OnConflict,
};
use uuid::Uuid;

use super::entity::leave_day::{ActiveModel, Column, Entity};
use crate::{
    Error,
    domain::{Days, Leave},
    store,
};

/// Takes the days of a leave, or names the leave that has one of them.
pub(crate) async fn take_in_txn(txn: &Txn, leave: &Leave) -> Result<(), Error> {
    // In the order of the days, whoever writes: two at once wait for each other, and neither for ever.
    let rows = leave.days.each().map(|day| ActiveModel {
        student_id: Set(leave.student_id),
        day: Set(day),
        leave_id: Set(leave.id),
    });
    let taken = Entity::insert_many(rows)
        .on_conflict(
            OnConflict::columns([Column::StudentId, Column::Day])
                .do_nothing()
                .to_owned(),
        )
        .exec_without_returning(&**txn)
        .await?;
    if taken == u64::from(leave.days.count()) {
        return Ok(());
    }
    let (id, days) = other_in_txn(txn, leave).await?.ok_or(Error::ChangedMeanwhile)?;
    Err(Error::Overlap { id, days })
}

/// The first other leave that has one of the days.
async fn other_in_txn(txn: &Txn, leave: &Leave) -> Result<Option<(Uuid, Days)>, Error> {
    let first = Entity::find()
        .filter(Column::StudentId.eq(leave.student_id))
        .filter(Column::Day.between(leave.days.from(), leave.days.to()))
        .filter(Column::LeaveId.ne(leave.id))
        .order_by_asc(Column::Day)
        .limit(1)
        .one(&**txn)
        .await?;
    match first {
        Some(first) => Ok(store::leave::days(&**txn, first.leave_id)
            .await?
            .map(|days| (first.leave_id, days))),
        None => Ok(None),
    }
}

/// Gives back the days that a leave does not hold any more: all of them, or those after it ended early.
pub(crate) async fn give_back_in_txn(txn: &Txn, leave: &Leave) -> Result<u64, DbErr> {
    let mut given_back = Entity::delete_many().filter(Column::LeaveId.eq(leave.id));
    if leave.holds_days() {
        given_back = given_back.filter(Column::Day.gt(leave.days.to()));
    }
    Ok(given_back.exec(&**txn).await?.rows_affected)
}
