//! Queries on documents. Whether a caller may see a student's documents is decided by whether they see the student; a link
//! that holds needs no caller.

use chrono::{DateTime, Utc};
use kit::{
    db::Txn,
    files::{Key, kept::StoredFile},
    inspect::Kind,
    page::Paging,
};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _,
    PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, sea_query::Expr,
};
use uuid::Uuid;

use super::entity::document::{ActiveModel, Column, Entity, Model};
use crate::{
    Error,
    domain::document::{Document, DocumentType},
};

/// Adds a document; a student's second photo is refused by the database.
pub(crate) async fn insert_in_txn(txn: &Txn, document: &Document) -> Result<(), Error> {
    let thumbnail = document.thumbnail.as_ref();
    let row = ActiveModel {
        id: Set(document.id),
        student_id: Set(document.student_id),
        doc_type: Set(document.doc_type.as_str().to_owned()),
        file_name: Set(document.file_name.clone()),
        content_type: Set(document.kind.media_type().to_owned()),
        size: Set(length(&document.file)),
        sha256: Set(hex::encode(document.file.sha256)),
        file_key: Set(document.file.key.to_string()),
        thumbnail_key: Set(thumbnail.map(|stored| stored.key.to_string())),
        thumbnail_size: Set(thumbnail.map(length)),
        thumbnail_sha256: Set(thumbnail.map(|stored| hex::encode(stored.sha256))),
        added_by: Set(document.added_by),
        created_at: Set(document.created_at),
        missing_since: Set(None),
    };
    row.insert(&**txn).await?;
    Ok(())
}

/// Deletes a document; `false` when it is gone already.
pub(crate) async fn delete_in_txn(txn: &Txn, id: Uuid) -> Result<bool, DbErr> {
    let deleted = Entity::delete_by_id(id).exec(&**txn).await?;
    Ok(deleted.rows_affected > 0)
}

/// All documents of a student; there are never many.
pub(crate) async fn of_student(db: &impl ConnectionTrait, student: Uuid) -> Result<Vec<Document>, Error> {
    let rows = Entity::find()
        .filter(Column::StudentId.eq(student))
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::Id)
        .all(db)
        .await?;
    rows.into_iter().map(from_row).collect()
}

/// One page of a student's documents, the newest first, and how many there are in all.
pub(crate) async fn page_of_student(
    db: &impl ConnectionTrait,
    student: Uuid,
    paging: Paging,
) -> Result<(Vec<Document>, u64), Error> {
    let all = || Entity::find().filter(Column::StudentId.eq(student));
    let total = all().count(db).await?;
    let rows = all()
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id)
        .offset(paging.offset())
        .limit(paging.limit())
        .all(db)
        .await?;
    let documents = rows.into_iter().map(from_row).collect::<Result<_, _>>()?;
    Ok((documents, total))
}

pub(crate) async fn by_id(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Document>, Error> {
    Entity::find_by_id(id).one(db).await?.map(from_row).transpose()
}

/// The document that one of these objects belongs to.
pub(crate) async fn by_key(db: &impl ConnectionTrait, key: &Key) -> Result<Option<Document>, Error> {
    let found = Entity::find().filter(with_key(key)).one(db).await?;
    found.map(from_row).transpose()
}

/// Notes that the file store has no object for a document; `false` when that was noted before.
pub(crate) async fn note_missing_in_txn(txn: &Txn, id: Uuid, at: DateTime<Utc>) -> Result<bool, DbErr> {
    let noted = Entity::update_many()
        .col_expr(Column::MissingSince, Expr::val(at))
        .filter(Column::Id.eq(id))
        .filter(Column::MissingSince.is_null())
        .exec(&**txn)
        .await?;
    Ok(noted.rows_affected > 0)
}

/// Notes that the objects of a document are there again.
pub(crate) async fn note_found_in_txn(txn: &Txn, id: Uuid) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::MissingSince, Expr::val(None::<DateTime<Utc>>))
        .filter(Column::Id.eq(id))
        .exec(&**txn)
        .await?;
    Ok(())
}

/// Documents whose objects were missing when it was last looked, behind `after`.
pub(crate) async fn missing(
    db: &impl ConnectionTrait,
    after: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Document>, Error> {
    let rows = Entity::find()
        .filter(Column::MissingSince.is_not_null())
        .filter(after.map_or_else(Condition::all, |after| Condition::all().add(Column::Id.gt(after))))
        .order_by_asc(Column::Id)
        .limit(limit)
        .all(db)
        .await?;
    rows.into_iter().map(from_row).collect()
}

fn with_key(key: &Key) -> Condition {
    Condition::any()
        .add(Column::FileKey.eq(key.as_str()))
        .add(Column::ThumbnailKey.eq(key.as_str()))
}

fn length(stored: &StoredFile) -> i64 {
    // No file is longer than 50 MB.
    i64::try_from(stored.size).unwrap_or(i64::MAX)
}

fn from_row(row: Model) -> Result<Document, Error> {
    let id = row.id;
    let broken = |what| Error::Inconsistent {
        table: "document",
        row: id,
        what,
    };
    let stored = |key: &str, size: i64, sha256: &str| {
        let mut digest = [0; 32];
        hex::decode_to_slice(sha256, &mut digest).map_err(|_| broken("the digest is none"))?;
        Ok::<_, Error>(StoredFile {
            key: Key::parse(key).map_err(|_| broken("the key is none"))?,
            size: u64::try_from(size).map_err(|_| broken("the size is none"))?,
            sha256: digest,
        })
    };
    let thumbnail = match (&row.thumbnail_key, row.thumbnail_size, &row.thumbnail_sha256) {
        (Some(key), Some(size), Some(sha256)) => Some(stored(key, size, sha256)?),
        (None, None, None) => None,
        _ => return Err(broken("half a thumbnail")),
    };
    Ok(Document {
        id,
        student_id: row.student_id,
        doc_type: DocumentType::parse(&row.doc_type).map_err(broken)?,
        kind: Kind::of_media_type(&row.content_type).ok_or_else(|| broken("unknown content type"))?,
        file: stored(&row.file_key, row.size, &row.sha256)?,
        thumbnail,
        file_name: row.file_name,
        added_by: row.added_by,
        created_at: row.created_at,
    })
}
