//! Removing what tells who somebody was, from every table of this service.

use kit::db::{Txn, execute};
use sea_orm::DbErr;
use uuid::Uuid;

/// Each with the account's id as `$1`. Sessions and keys stay, ended, with nothing in them: others may still ask whether they
/// ended. Of the ledger of events what was published goes; the rest goes once it was (see `tidy`).
const BY_ID: [&str; 11] = [
    "UPDATE user_account SET password_hash = NULL, password_changed_at = NULL, last_login_at = NULL, failures = 0, \
     locked_until = NULL, wrong_codes = 0, wrong_codes_since = NULL WHERE id = $1",
    "UPDATE session SET ip = NULL, user_agent = NULL WHERE user_id = $1",
    "UPDATE api_key SET name = 'Erased', prefix = '', allowed_ips = '', last_used_at = NULL, last_refused_at = NULL \
     WHERE owner_id = $1",
    "DELETE FROM password_history WHERE user_id = $1",
    "DELETE FROM second_factor WHERE user_id = $1",
    "DELETE FROM recovery_code WHERE user_id = $1",
    "DELETE FROM login_challenge WHERE user_id = $1",
    "DELETE FROM one_time_code WHERE user_id = $1",
    "DELETE FROM device WHERE user_id = $1",
    "DELETE FROM letter WHERE user_id = $1",
    "DELETE FROM outbox WHERE published_at IS NOT NULL \
     AND (subject = $1 OR subject IN (SELECT id FROM api_key WHERE owner_id = $1))",
];

/// Letters that were asked for by name know somebody by what was typed in.
const BY_NAME: &str = "DELETE FROM letter WHERE identifier = $1";

/// Removes all that is beside the account's own name, address and number; `names` are those, as they are compared.
pub(crate) async fn remove_traces_in_txn(txn: &Txn, id: Uuid, names: &[String]) -> Result<(), DbErr> {
    for sql in BY_ID {
        execute(&**txn, sql, [id.into()]).await?;
    }
    for name in names {
        execute(&**txn, BY_NAME, [name.as_str().into()]).await?;
    }
    Ok(())
}
