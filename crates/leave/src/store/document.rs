//! Documents of leaves, one a leave. Whether a caller may see one is decided by whether they see the leave; a link that holds needs
//! no caller.

use std::collections::HashSet;

use kit::{
    db::Txn,
    files::{Key, kept::StoredFile},
    inspect::Kind,
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QuerySelect as _,
};
use uuid::Uuid;

use super::entity::document::{ActiveModel, Column, Entity, Model};
use crate::{Error, domain::Document};

/// Keeps a document; a leave's second is refused by the database.
pub(crate) async fn insert_in_txn(txn: &Txn, document: &Document) -> Result<(), Error> {
    let row = ActiveModel {
        id: Set(document.id),
        leave_id: Set(document.leave_id),
        student_id: Set(document.student_id),
        file_name: Set(document.file_name.clone()),
        content_type: Set(document.kind.media_type().to_owned()),
        // No file is longer than 50 MB.
        size: Set(i64::try_from(document.file.size).unwrap_or(i64::MAX)),
        sha256: Set(hex::encode(document.file.sha256)),
        file_key: Set(document.file.key.to_string()),
        added_by: Set(document.added_by),
        created_at: Set(document.created_at),
    };
    Entity::insert(row).exec_without_returning(&**txn).await?;
    Ok(())
}

/// Removes the document of a leave; what it was.
pub(crate) async fn take_in_txn(txn: &Txn, leave: Uuid) -> Result<Option<Document>, Error> {
    let gone = Entity::delete_many().filter(Column::LeaveId.eq(leave));
    let gone = gone.exec_with_returning(&**txn).await?;
    gone.into_iter().next().map(document).transpose()
}

/// Removes every document of a student; what they were.
pub(crate) async fn take_all_in_txn(txn: &Txn, student: Uuid) -> Result<Vec<Document>, Error> {
    let gone = Entity::delete_many().filter(Column::StudentId.eq(student));
    let gone = gone.exec_with_returning(&**txn).await?;
    gone.into_iter().map(document).collect()
}

pub(crate) async fn by_id(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Document>, Error> {
    Entity::find_by_id(id).one(db).await?.map(document).transpose()
}

/// The document of a leave.
pub(crate) async fn of_leave(db: &impl ConnectionTrait, leave: Uuid) -> Result<Option<Document>, Error> {
    let found = Entity::find().filter(Column::LeaveId.eq(leave)).one(db).await?;
    found.map(document).transpose()
}

/// Every document of a student; there are never many.
pub(crate) async fn of_student(db: &impl ConnectionTrait, student: Uuid) -> Result<Vec<Document>, Error> {
    let rows = Entity::find().filter(Column::StudentId.eq(student)).all(db).await?;
    rows.into_iter().map(document).collect()
}

/// Which of these leaves have a document.
pub(crate) async fn among(db: &impl ConnectionTrait, leaves: &[Uuid]) -> Result<HashSet<Uuid>, DbErr> {
    let found: Vec<Uuid> = Entity::find()
        .select_only()
        .column(Column::LeaveId)
        .filter(Column::LeaveId.is_in(leaves.iter().copied()))
        .into_tuple()
        .all(db)
        .await?;
    Ok(found.into_iter().collect())
}

fn document(row: Model) -> Result<Document, Error> {
    let wrong = |what| Error::Inconsistent {
        table: "document",
        row: row.id,
        what,
    };
    let mut sha256 = [0; 32];
    hex::decode_to_slice(&row.sha256, &mut sha256).map_err(|_| wrong("the digest is none"))?;
    Ok(Document {
        id: row.id,
        leave_id: row.leave_id,
        student_id: row.student_id,
        kind: Kind::of_media_type(&row.content_type).ok_or_else(|| wrong("unknown content type"))?,
        file: StoredFile {
            key: Key::parse(row.file_key.clone()).map_err(|_| wrong("the key is none"))?,
            size: u64::try_from(row.size).map_err(|_| wrong("the size is none"))?,
            sha256,
        },
        file_name: row.file_name,
        added_by: row.added_by,
        created_at: row.created_at,
    })
}
