//! The access points of each block.

use chrono::{DateTime, Utc};
use kit::db::Txn;
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult, Statement, Value};
use uuid::Uuid;

use crate::{
    Error,
    domain::{Bssid, KnownPoint},
};

/// Three values a row; the list is short, and SQLite takes many more.
const ROWS_A_STATEMENT: usize = 100;

#[derive(FromQueryResult)]
struct Row {
    bssid: String,
    label: Option<String>,
}

/// A block whose access points were set.
#[derive(Clone, Debug, FromQueryResult)]
pub(crate) struct Block {
    pub id: Uuid,
    /// As it was written when they were set.
    pub name: String,
    pub version: i64,
}

/// Notes that the set of a block changes, and holds the block until the end of the transaction: sets that come at once are
/// one after the other.
pub(crate) async fn touch_in_txn(
    txn: &Txn,
    (id, folded, block): (Uuid, &str, &str),
    now: DateTime<Utc>,
) -> Result<Block, DbErr> {
    let sql = "INSERT INTO access_block (block_folded, id, block, version, changed_at) VALUES ($1, $2, $3, 1, $4) \
               ON CONFLICT (block_folded) DO UPDATE SET version = access_block.version + 1, block = excluded.block, \
               changed_at = excluded.changed_at RETURNING id, block AS name, version";
    let values = [folded.into(), id.into(), block.into(), now.into()];
    let statement = Statement::from_sql_and_values(txn.get_database_backend(), sql, values);
    let row = Block::find_by_statement(statement).one(&**txn).await?;
    row.ok_or_else(|| DbErr::RecordNotFound("the block that was just written".to_owned()))
}

/// Puts these in the place of those that were known.
pub(crate) async fn replace_in_txn(txn: &Txn, folded: &str, points: &[KnownPoint]) -> Result<(), DbErr> {
    let backend = txn.get_database_backend();
    let all = "DELETE FROM access_point WHERE block_folded = $1";
    txn.execute_raw(Statement::from_sql_and_values(backend, all, [folded.into()]))
        .await?;
    for some in points.chunks(ROWS_A_STATEMENT) {
        let (mut places, mut values): (Vec<String>, Vec<Value>) = (Vec::new(), Vec::new());
        for point in some {
            let next = values.len() + 1;
            places.push(format!("(${next}, ${}, ${})", next + 1, next + 2));
            values.extend([
                folded.into(),
                point.bssid.to_string().into(),
                point.label.clone().into(),
            ]);
        }
        let sql = format!(
            "INSERT INTO access_point (block_folded, bssid, label) VALUES {}",
            places.join(", ")
        );
        txn.execute_raw(Statement::from_sql_and_values(backend, sql, values))
            .await?;
    }
    Ok(())
}

/// A block whose access points were set once, be it to none.
pub(crate) async fn block(db: &impl ConnectionTrait, folded: &str) -> Result<Option<Block>, DbErr> {
    let sql = "SELECT id, block AS name, version FROM access_block WHERE block_folded = $1";
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, [folded.into()]);
    Block::find_by_statement(statement).one(db).await
}

/// The access points of a block, by address.
pub(crate) async fn of_block(db: &impl ConnectionTrait, folded: &str) -> Result<Vec<KnownPoint>, Error> {
    let sql = "SELECT bssid, label FROM access_point WHERE block_folded = $1 ORDER BY bssid";
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, [folded.into()]);
    let rows = Row::find_by_statement(statement).all(db).await?;
    let mut points = Vec::with_capacity(rows.len());
    for row in rows {
        let bssid = Bssid::parse(&row.bssid).map_err(|_| Error::Inconsistent {
            table: "access_point",
            row: Uuid::nil(),
            what: "bssid",
        })?;
        points.push(KnownPoint {
            bssid,
            label: row.label,
        });
    }
    Ok(points)
}
