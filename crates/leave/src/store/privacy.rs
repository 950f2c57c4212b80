//! What is held of a student beside leaves and documents, to be forgotten.

use kit::db::Txn;
use sea_orm::DbErr;
use uuid::Uuid;

/// Takes out what somebody wrote of a student, and where the guardian is written to.
pub(crate) async fn forget_in_txn(txn: &Txn, student: Uuid) -> Result<(), DbErr> {
    for sql in [
        "UPDATE decision SET comments = NULL WHERE comments IS NOT NULL \
         AND leave_id IN (SELECT id FROM leave WHERE student_id = $1)",
        "DELETE FROM guardian_link WHERE student_id = $1",
        "DELETE FROM guardian WHERE student_id = $1",
    ] {
        super::execute(&**txn, sql, [student.into()]).await?;
    }
    Ok(())
}
