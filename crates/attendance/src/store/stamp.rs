//! What a device signed lately: its counters and times, which scans that were made offline are held against.

use chrono::{DateTime, Utc};
use kit::{Db, db::Txn};
use sea_orm::{DbErr, EntityTrait as _, FromQueryResult, QuerySelect as _};
use uuid::Uuid;

use super::{
    entity::device::{Column, Entity},
    execute,
    keep::A_STEP,
    statement,
};
use crate::domain::{SignedScan, Stamp};

#[derive(FromQueryResult)]
struct Row {
    counter: i64,
    scanned_at: DateTime<Utc>,
}

/// Holds a device until the end of the transaction, so that its scans are held against one another whichever way they come;
/// `false` where there is none.
pub(crate) async fn hold_in_txn(txn: &Txn, device: Uuid) -> Result<bool, DbErr> {
    let held = Entity::find_by_id(device).select_only().column(Column::Id);
    let held = held.lock_exclusive().into_tuple::<Uuid>().one(&**txn).await?;
    Ok(held.is_some())
}

/// What the device signed lately, but for this very scan, which may have come before.
pub(crate) async fn others_in_txn(txn: &Txn, device: Uuid, scan: &SignedScan<'_>) -> Result<Vec<Stamp>, DbErr> {
    let sql = "SELECT counter, scanned_at FROM device_stamp WHERE device_id = $1 AND digest <> $2";
    let values = [device.into(), scan.digest().to_vec().into()];
    let rows = Row::find_by_statement(statement(&**txn, sql, values))
        .all(&**txn)
        .await?;
    let stamp = |row: Row| Stamp {
        counter: u64::try_from(row.counter).unwrap_or_default(),
        scanned_at: row.scanned_at,
    };
    Ok(rows.into_iter().map(stamp).collect())
}

/// Notes that the device signed a scan, at this time; one that comes again was noted before.
pub(crate) async fn note_in_txn(
    txn: &Txn,
    device: Uuid,
    scan: &SignedScan<'_>,
    scanned_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let sql = "INSERT INTO device_stamp (device_id, counter, scanned_at, digest, noted_at) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT DO NOTHING";
    let values = [
        device.into(),
        i64::try_from(scan.counter).unwrap_or(i64::MAX).into(),
        scanned_at.into(),
        scan.digest().to_vec().into(),
        now.into(),
    ];
    execute(&**txn, sql, values).await.map(drop)
}

/// Forgets some that were noted before then; whether there may be more.
pub(crate) async fn forget_some(db: &Db, before: DateTime<Utc>) -> Result<bool, DbErr> {
    let txn = db.begin().await?;
    let sql = format!(
        "DELETE FROM device_stamp WHERE (device_id, counter) IN \
         (SELECT device_id, counter FROM device_stamp WHERE noted_at < $1 LIMIT {A_STEP})"
    );
    let rows = execute(&*txn, &sql, [before.into()]).await?;
    txn.commit().await?;
    Ok(rows == A_STEP)
}
