//! Who went through the gate on which leave.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use kit::db::Txn;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, ExprTrait as _, PaginatorTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, QueryTrait as _, Select,
    sea_query::{Expr, OnConflict},
};
use uuid::Uuid;

use super::{
    entity::movement::{ActiveModel, Column, Entity, Model},
    student::{gone, of_block},
};
use crate::{
    Error,
    domain::{Movement, Returned},
};

/// The movements of these chains, by the first leave of each.
pub(crate) async fn of(db: &impl ConnectionTrait, roots: &[Uuid]) -> Result<HashMap<Uuid, Movement>, Error> {
    let rows = Entity::find().filter(Column::RootId.is_in(roots.iter().copied()));
    let rows = rows.all(db).await?;
    rows.into_iter().map(|row| Ok((row.root_id, movement(row)?))).collect()
}

/// Somebody who is out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Out {
    pub student_id: Uuid,
    pub movement: Movement,
}

/// When they should be back.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Due {
    Whenever,
    On(NaiveDate),
    Before(NaiveDate),
}

/// The movement of a chain.
pub(crate) async fn find(db: &impl ConnectionTrait, root: Uuid) -> Result<Option<Movement>, Error> {
    let row = Entity::find_by_id(root).one(db).await?;
    row.map(movement).transpose()
}

/// Notes that a student left, unless they did already, on this leave or on another.
pub(crate) async fn depart_in_txn(txn: &Txn, student: Uuid, departed: &Movement) -> Result<bool, DbErr> {
    let row = ActiveModel {
        root_id: Set(departed.root_id),
        student_id: Set(student),
        departed_at: Set(departed.departed_at),
        departed_by: Set(departed.departed_by),
        out_until: Set(departed.out_until),
        returned_at: Set(None),
        returned_by: Set(None),
        is_late: Set(false),
        overdue_told_at: Set(None),
    };
    let noted = Entity::insert(row)
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(&**txn)
        .await;
    match noted {
        Ok(rows) => Ok(rows == 1),
        Err(DbErr::RecordNotInserted) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The chain on which a student is out.
pub(crate) async fn out_on(db: &impl ConnectionTrait, student: Uuid) -> Result<Option<Uuid>, DbErr> {
    Entity::find()
        .select_only()
        .column(Column::RootId)
        .filter(Column::StudentId.eq(student))
        .filter(Column::ReturnedAt.is_null())
        .into_tuple()
        .one(db)
        .await
}

/// Notes that a student is back, unless somebody did.
pub(crate) async fn return_in_txn(
    txn: &Txn,
    root: Uuid,
    returned: Returned,
    out_until: NaiveDate,
) -> Result<bool, DbErr> {
    let noted = Entity::update_many()
        .col_expr(Column::ReturnedAt, Expr::val(returned.at))
        .col_expr(Column::ReturnedBy, Expr::val(returned.by))
        .col_expr(Column::IsLate, Expr::val(returned.is_late))
        .col_expr(Column::OutUntil, Expr::val(out_until))
        .filter(Column::RootId.eq(root))
        .filter(Column::ReturnedAt.is_null())
        .exec(&**txn)
        .await?;
    Ok(noted.rows_affected == 1)
}

/// Says until when a student who is out may stay away now. With another day there is another one to miss.
pub(crate) async fn put_off_in_txn(txn: &Txn, root: Uuid, out_until: NaiveDate) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::OutUntil, Expr::val(out_until))
        .col_expr(Column::OverdueToldAt, Expr::val(None::<DateTime<Utc>>))
        .filter(Column::RootId.eq(root))
        .filter(Column::ReturnedAt.is_null())
        .filter(Column::OutUntil.ne(out_until))
        .exec(&**txn)
        .await?;
    Ok(())
}

/// Who is out, the first to be back first; at most so many. Whoever is gone from the hostel is not waited for.
pub(crate) async fn out(
    db: &impl ConnectionTrait,
    block: Option<&str>,
    due: Due,
    most: u64,
) -> Result<Vec<Out>, Error> {
    let rows = who_is_out(block, due)
        .order_by_asc(Column::OutUntil)
        .order_by_asc(Column::RootId)
        .limit(most)
        .all(db)
        .await?;
    let out = rows.into_iter().map(|row| {
        Ok(Out {
            student_id: row.student_id,
            movement: movement(row)?,
        })
    });
    out.collect()
}

/// How many are out.
pub(crate) async fn count_out(db: &impl ConnectionTrait, block: Option<&str>, due: Due) -> Result<u64, DbErr> {
    who_is_out(block, due).count(db).await
}

fn who_is_out(block: Option<&str>, due: Due) -> Select<Entity> {
    let out = Entity::find()
        .filter(Column::ReturnedAt.is_null())
        .filter(Column::StudentId.not_in_subquery(gone()));
    let out = match due {
        Due::Whenever => out,
        Due::On(day) => out.filter(Column::OutUntil.eq(day)),
        Due::Before(day) => out.filter(Column::OutUntil.lt(day)),
    };
    out.apply_if(block, |out, block| {
        out.filter(Column::StudentId.in_subquery(of_block(block)))
    })
}

/// The chains whose students should have been back before this day, are not gone and of whom nobody told yet, with the days on
/// which they should have been: those behind one of them, in this order; at most so many.
pub(crate) async fn overdue(
    db: &impl ConnectionTrait,
    today: NaiveDate,
    after: Option<(NaiveDate, Uuid)>,
    most: u64,
) -> Result<Vec<(NaiveDate, Uuid)>, DbErr> {
    Entity::find()
        .select_only()
        .columns([Column::OutUntil, Column::RootId])
        .filter(Column::ReturnedAt.is_null())
        .filter(Column::OutUntil.lt(today))
        .apply_if(after, |overdue, (due, root)| {
            let on_that_day = Column::OutUntil.eq(due).and(Column::RootId.gt(root));
            overdue.filter(Column::OutUntil.gt(due).or(on_that_day))
        })
        .filter(Column::OverdueToldAt.is_null())
        .filter(Column::StudentId.not_in_subquery(gone()))
        .order_by_asc(Column::OutUntil)
        .order_by_asc(Column::RootId)
        .limit(most)
        .into_tuple()
        .all(db)
        .await
}

/// Notes that an overdue student is told of, unless somebody did or they are back; since when they are overdue.
pub(crate) async fn tell_in_txn(
    txn: &Txn,
    root: Uuid,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<Option<NaiveDate>, DbErr> {
    let told = Entity::update_many()
        .col_expr(Column::OverdueToldAt, Expr::val(now))
        .filter(Column::RootId.eq(root))
        .filter(Column::ReturnedAt.is_null())
        .filter(Column::OutUntil.lt(today))
        .filter(Column::OverdueToldAt.is_null())
        .exec_with_returning(&**txn)
        .await?;
    Ok(told.into_iter().next().map(|row| row.out_until))
}

fn movement(row: Model) -> Result<Movement, Error> {
    let returned = match (row.returned_at, row.returned_by) {
        (None, None) => None,
        (Some(at), Some(by)) => Some(Returned {
            at,
            by,
            is_late: row.is_late,
        }),
        _ => {
            return Err(Error::Inconsistent {
                table: "movement",
                row: row.root_id,
                what: "a return has a time and a guard",
            });
        }
    };
    Ok(Movement {
        root_id: row.root_id,
        departed_at: row.departed_at,
        departed_by: row.departed_by,
        out_until: row.out_until,
        returned,
    })
}
