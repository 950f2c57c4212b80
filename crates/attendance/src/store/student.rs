//! The copies of students' records.

use kit::db::Txn;
use sea_orm::{
    ActiveValue::Set,
    ConnectionTrait, DbErr, EntityTrait as _, ExprTrait as _,
    sea_query::{Alias, Expr, OnConflict},
};
use uuid::Uuid;

use super::entity::student::{ActiveModel, Column, Entity, Model};
use crate::domain::Student;

/// Keeps records, each once, unless newer ones are there; how many were kept.
pub(crate) async fn keep_in_txn(
    txn: &Txn,
    students: &[Student],
    now: chrono::DateTime<chrono::Utc>,
) -> Result<u64, DbErr> {
    if students.is_empty() {
        return Ok(0);
    }
    let rows = students.iter().map(|student| ActiveModel {
        id: Set(student.id),
        version: Set(student.version),
        registration_no: Set(student.registration_no.clone()),
        name: Set(student.name.clone()),
        year: Set(student.year.into()),
        block_folded: Set(student.block_folded.clone()),
        room_no: Set(student.room_no.clone()),
        active: Set(student.active),
        changed_at: Set(now),
    });
    let told = Expr::col((Alias::new("excluded"), Column::Version));
    let mut newer = OnConflict::column(Column::Id);
    newer
        .update_columns([
            Column::Version,
            Column::RegistrationNo,
            Column::Name,
            Column::Year,
            Column::BlockFolded,
            Column::RoomNo,
            Column::Active,
            Column::ChangedAt,
        ])
        .action_and_where(Expr::col((Entity, Column::Version)).lt(told));
    Entity::insert_many(rows)
        .on_conflict(newer)
        .exec_without_returning(&**txn)
        .await
}

/// A student, by id.
pub(crate) async fn find(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Student>, DbErr> {
    Ok(Entity::find_by_id(id).one(db).await?.map(student))
}

pub(super) fn student(row: Model) -> Student {
    Student {
        id: row.id,
        version: row.version,
        registration_no: row.registration_no,
        name: row.name,
        year: u8::try_from(row.year).unwrap_or_default(),
        block_folded: row.block_folded,
        room_no: row.room_no,
        active: row.active,
    }
}
