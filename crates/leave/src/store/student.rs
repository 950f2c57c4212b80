//! The copies of students' records.

use std::collections::HashMap;

use kit::db::Txn;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, ExprTrait as _, QueryFilter as _,
    sea_query::{Alias, Expr, OnConflict, Query, SelectStatement},
};
use uuid::Uuid;

use super::entity::student::{ActiveModel, Column, Entity, Model};
use crate::domain::{Student, folded};

/// Ids in a statement.
const A_STATEMENT: usize = 1000;

/// Keeps records, each once, unless newer ones are there; how many were kept.
pub(crate) async fn keep_in_txn(txn: &Txn, students: &[Student]) -> Result<u64, DbErr> {
    if students.is_empty() {
        return Ok(0);
    }
    let rows = students.iter().map(|student| ActiveModel {
        id: Set(student.id),
        version: Set(student.version),
        registration_no: Set(student.registration_no.clone()),
        name: Set(student.name.clone()),
        year: Set(student.year.into()),
        block: Set(student.block.clone()),
        block_folded: Set(student.block.as_deref().map(folded)),
        room_no: Set(student.room_no.clone()),
        active: Set(student.active),
    });
    let told = Expr::col((Alias::new("excluded"), Column::Version));
    let mut newer = OnConflict::column(Column::Id);
    newer
        .update_columns([
            Column::Version,
            Column::RegistrationNo,
            Column::Name,
            Column::Year,
            Column::Block,
            Column::BlockFolded,
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

/// These students, by id; whoever is unknown is not among them.
pub(crate) async fn these(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<HashMap<Uuid, Student>, DbErr> {
    let mut found = HashMap::with_capacity(ids.len());
    for some in ids.chunks(A_STATEMENT) {
        let rows = Entity::find().filter(Column::Id.is_in(some.iter().copied()));
        let rows = rows.all(db).await?.into_iter().map(student);
        found.extend(rows.map(|student| (student.id, student)));
    }
    Ok(found)
}

/// The ids of those who live in a block today, for a query.
pub(super) fn of_block(block: &str) -> SelectStatement {
    let mut students = Query::select();
    students
        .column(Column::Id)
        .from(Entity)
        .and_where(Column::BlockFolded.eq(folded(block)));
    students
}

/// The ids of those who are not the hostel's any more, for a query.
pub(super) fn gone() -> SelectStatement {
    let mut students = Query::select();
    students
        .column(Column::Id)
        .from(Entity)
        .and_where(Column::Active.eq(false));
    students
}

fn student(row: Model) -> Student {
    Student {
        id: row.id,
        version: row.version,
        registration_no: row.registration_no,
        name: row.name,
        year: u8::try_from(row.year).unwrap_or_default(),
        block: row.block,
        room_no: row.room_no,
        active: row.active,
    }
}
