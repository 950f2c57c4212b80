//! Many records at once, that are known to be new.

use kit::{db::Txn, keyring::Sealer};
use sea_orm::{ActiveValue::Set, ConnectionTrait, DbErr, EntityTrait as _, PaginatorTrait as _, QuerySelect as _};
use uuid::Uuid;

use super::entity::{stay, student};
use crate::{Error, domain::Student};

/// Sixteen values a row; SQLite takes 32,766 of them in a statement.
const STUDENTS_A_STATEMENT: usize = 1000;

/// Whether there is any student at all.
pub(crate) async fn has_students(db: &impl ConnectionTrait) -> Result<bool, DbErr> {
    Ok(student::Entity::find().limit(1).count(db).await? > 0)
}

/// Adds students with the words by which they are found.
pub(crate) async fn students_in_txn(txn: &Txn, sealer: &Sealer, students: &[Student]) -> Result<(), Error> {
    for some in students.chunks(STUDENTS_A_STATEMENT) {
        let rows = some.iter().map(|student| super::student::active_model(sealer, student));
        student::Entity::insert_many(rows)
            .exec_without_returning(&**txn)
            .await
            .map_err(super::student::taken)?;
        super::student::write_words_in_txn(txn, some).await?;
    }
    Ok(())
}

/// Adds the stays of students who have lived in their rooms since they were registered.
pub(crate) async fn stays_in_txn(txn: &Txn, stays: &[(Uuid, &Student)]) -> Result<(), Error> {
    let row = |(id, student): &(Uuid, &Student)| {
        let room = student.room.as_ref()?;
        Some(stay::ActiveModel {
            id: Set(*id),
            student_id: Set(student.id),
            room_id: Set(room.id),
            room_no: Set(room.room_no.as_str().to_owned()),
            block: Set(room.block.as_str().to_owned()),
            moved_in_at: Set(student.created_at),
            moved_out_at: Set(None),
        })
    };
    for some in stays.chunks(STUDENTS_A_STATEMENT) {
        let rows: Vec<_> = some.iter().filter_map(row).collect();
        if !rows.is_empty() {
            stay::Entity::insert_many(rows).exec_without_returning(&**txn).await?;
        }
    }
    Ok(())
}
