//! What is still told of students who were erased.

use kit::db::Txn;
use sea_orm::{ConnectionTrait as _, DbErr, Statement};

/// Rows a statement, so that none holds its locks for long. The statement below says the same number.
const BATCH: u64 = 500;

/// Deletes some of what the ledger of events says of them, as far as it is published: all but that they are erased. Whether
/// there may be more.
pub(crate) async fn forget_events_in_txn(txn: &Txn) -> Result<bool, DbErr> {
    let sql = "DELETE FROM outbox WHERE id IN \
               (SELECT outbox.id FROM outbox JOIN student ON student.id = outbox.subject \
                WHERE student.state = 'erased' AND outbox.published_at IS NOT NULL \
                AND outbox.kind <> 'hostelpulse.student.erased.v1' LIMIT 500)";
    let statement = Statement::from_string(txn.get_database_backend(), sql);
    Ok(txn.execute_raw(statement).await?.rows_affected() == BATCH)
}
