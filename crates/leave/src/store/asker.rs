//! Whoever asks for leaves, held while their requests are counted.

use kit::db::Txn;
use sea_orm::DbErr;
use uuid::Uuid;

/// Holds a student until the end of the transaction: of several requests at once each is counted before the next one counts.
pub(crate) async fn hold_in_txn(txn: &Txn, student: Uuid) -> Result<(), DbErr> {
    // A row that is there is written anew: that holds it, too.
    let sql = "INSERT INTO asker (student_id) VALUES ($1) \
               ON CONFLICT (student_id) DO UPDATE SET student_id = excluded.student_id";
    super::execute(&**txn, sql, [student.into()]).await.map(drop)
}
