//! The copies of students' records.

use kit::db::Txn;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, ExprTrait as _, QueryFilter as _,
    sea_query::{Alias, Expr, OnConflict},
};
use uuid::Uuid;

use super::entity::student::{ActiveModel, Column, Entity, Model};
use crate::domain::{Student, folded};

/// Keeps records, each once, unless newer ones are there; how many were kept.
pub(crate) async fn keep_in_txn(txn: &Txn, students: &[Student]) -> Result<u64, DbErr> {
    if students.is_empty() {
        return Ok(0);
    }
    let rows = students.iter().map(|student| ActiveModel {
        id: Set(student.id),
        version: Set(student.version),
        registration_no: Set(student.registration_no.clone()),
        registration_no_folded: Set(folded(&student.registration_no)),
        name: Set(student.name.clone()),
        name_folded: Set(folded(&student.name)),
        block: Set(student.block.clone()),
        room_no: Set(student.room_no.clone()),
        active: Set(student.active),
    });
    let told = Expr::col((Alias::new("excluded"), Column::Version));
    let mut newer = OnConflict::column(Column::Id);
    newer
        .update_columns([
            Column::Version,
            Column::RegistrationNo,
            Column::RegistrationNoFolded,
            Column::Name,
            Column::NameFolded,
            Column::Block,
            Column::RoomNo,
            Column::Active,
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

/// Some students, in no order.
pub(crate) async fn some(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<Student>, DbErr> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = Entity::find()
        .filter(Column::Id.is_in(ids.iter().copied()))
        .all(db)
        .await?;
    Ok(rows.into_iter().map(student).collect())
}

fn student(row: Model) -> Student {
    Student {
        id: row.id,
        version: row.version,
        registration_no: row.registration_no,
        name: row.name,
        block: row.block,
        room_no: row.room_no,
        active: row.active,
    }
}
