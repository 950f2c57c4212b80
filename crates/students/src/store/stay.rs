//! Who lived where, and when.

use chrono::{DateTime, Utc};
use kit::{db::Txn, page::Paging};
use sea_orm::{
    ActiveModelTrait as _,
    ActiveValue::Set,
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
    sea_query::{Expr, ExprTrait as _},
};
use uuid::Uuid;

use super::entity::stay::{ActiveModel, Column, Entity, Model};
use crate::{
    Error,
    domain::{BlockName, RoomNumber, RoomRef, Stay},
};

/// A student moves in. Nobody has two stays at once: the database refuses.
pub(crate) async fn begin_in_txn(
    txn: &Txn,
    id: Uuid,
    student: Uuid,
    room: &RoomRef,
    at: DateTime<Utc>,
) -> Result<(), Error> {
    let stay = ActiveModel {
        id: Set(id),
        student_id: Set(student),
        room_id: Set(room.id),
        room_no: Set(room.room_no.as_str().to_owned()),
        block: Set(room.block.as_str().to_owned()),
        moved_in_at: Set(at),
        moved_out_at: Set(None),
    };
    stay.insert(&**txn).await?;
    Ok(())
}

/// A student moves out.
pub(crate) async fn end_in_txn(txn: &Txn, student: Uuid, at: DateTime<Utc>) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::MovedOutAt, Expr::val(at))
        .filter(Column::StudentId.eq(student))
        .filter(Column::MovedOutAt.is_null())
        .exec(&**txn)
        .await?;
    Ok(())
}

/// One page of a student's stays, the present first, and how many there are in all.
pub(crate) async fn of_student(
    db: &impl ConnectionTrait,
    student: Uuid,
    paging: Paging,
) -> Result<(Vec<Stay>, u64), Error> {
    let stays = Entity::find().filter(Column::StudentId.eq(student));
    let total = stays.clone().count(db).await?;
    let rows = stays
        .order_by_desc(Expr::col(Column::MovedOutAt).is_null())
        .order_by_desc(Column::MovedInAt)
        .order_by_desc(Column::Id)
        .offset(paging.offset())
        .limit(paging.limit())
        .all(db)
        .await?;
    Ok((rows.into_iter().map(from_row).collect::<Result<_, _>>()?, total))
}

/// Everywhere that a student lived, in the order of time.
pub(crate) async fn all_of_student(db: &impl ConnectionTrait, student: Uuid) -> Result<Vec<Stay>, Error> {
    let stays = Entity::find().filter(Column::StudentId.eq(student));
    let rows = stays
        .order_by_asc(Column::MovedInAt)
        .order_by_asc(Column::Id)
        .all(db)
        .await?;
    rows.into_iter().map(from_row).collect()
}

pub(crate) fn from_row(row: Model) -> Result<Stay, Error> {
    let broken = |what| Error::Inconsistent {
        table: "stay",
        row: row.id,
        what,
    };
    Ok(Stay {
        student: row.student_id,
        room: RoomRef {
            id: row.room_id,
            room_no: RoomNumber::parse(&row.room_no).map_err(broken)?,
            block: BlockName::parse(&row.block).map_err(broken)?,
        },
        moved_in_at: row.moved_in_at,
        moved_out_at: row.moved_out_at,
    })
}
