//! Deletes what is past its time, a batch at a time.

use chrono::{DateTime, Utc};
use kit::db::Txn;
use sea_orm::{ConnectionTrait as _, DbErr, Statement};

/// Rows a statement, so that none holds its locks for long. The statements below say the same number.
const BATCH: usize = 500;

/// What goes by its time.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// Those of sessions that ended or ran out. Of a session that lives all stay: a copy of any of them is to be found out.
    RefreshTokens,
    /// Those that ended or ran out, once their refresh tokens are gone.
    Sessions,
    /// Those that nobody was seen on.
    Devices,
    /// First steps of sign-ins that nobody went on with.
    Challenges,
    /// One-time codes that nobody used.
    Codes,
    /// What the ledger of events still told of accounts that are erased: all but that they are.
    EventsOfErased,
}

/// Deletes some of what ended before then; whether there may be more.
pub(crate) async fn batch_in_txn(txn: &Txn, kind: Kind, before: DateTime<Utc>) -> Result<bool, DbErr> {
    let sql = match kind {
        Kind::RefreshTokens => {
            "DELETE FROM refresh_token WHERE hash IN \
             (SELECT token.hash FROM refresh_token token JOIN session ON session.id = token.session_id \
              WHERE session.ended_at < $1 OR session.expires_at < $1 LIMIT 500)"
        }
        Kind::Sessions => {
            "DELETE FROM session WHERE id IN \
             (SELECT id FROM session WHERE (ended_at < $1 OR expires_at < $1) AND NOT EXISTS \
              (SELECT 1 FROM refresh_token WHERE refresh_token.session_id = session.id) LIMIT 500)"
        }
        Kind::Devices => {
            "DELETE FROM device WHERE (user_id, fingerprint) IN \
             (SELECT user_id, fingerprint FROM device WHERE last_seen_at < $1 LIMIT 500)"
        }
        Kind::Challenges => {
            "DELETE FROM login_challenge WHERE hash IN \
             (SELECT hash FROM login_challenge WHERE expires_at < $1 LIMIT 500)"
        }
        Kind::Codes => {
            "DELETE FROM one_time_code WHERE user_id IN \
             (SELECT user_id FROM one_time_code WHERE expires_at < $1 LIMIT 500)"
        }
        Kind::EventsOfErased => {
            "DELETE FROM outbox WHERE id IN \
             (SELECT outbox.id FROM outbox JOIN user_account ON user_account.id = outbox.subject \
              WHERE user_account.erased_at < $1 AND outbox.published_at IS NOT NULL \
              AND outbox.kind <> 'hostelpulse.user.erased.v1' LIMIT 500)"
        }
    };
    let statement = Statement::from_sql_and_values(txn.get_database_backend(), sql, [before.into()]);
    Ok(txn.execute_raw(statement).await?.rows_affected() == BATCH as u64)
}
