//! Where guardians are written to. The addresses are sealed.

use chrono::{DateTime, Utc};
use kit::{contact::Email, db::Txn, keyring::Sealer};
use sea_orm::{ConnectionTrait, DbErr, EntityTrait as _};
use uuid::Uuid;

use super::entity::guardian::{Entity, Model};
use crate::{Error, domain::GuardianAddress};

/// Where a student's guardian is written to, if anybody said.
pub(crate) async fn find(
    db: &impl ConnectionTrait,
    sealer: &Sealer,
    student: Uuid,
) -> Result<Option<GuardianAddress>, Error> {
    let row = Entity::find_by_id(student).one(db).await?;
    row.map(|row| address(sealer, row)).transpose()
}

/// Keeps an address in the place of the one before.
pub(crate) async fn keep_in_txn(
    txn: &Txn,
    sealer: &Sealer,
    student_id: Uuid,
    email: Email,
    (set_by, set_at): (Uuid, DateTime<Utc>),
) -> Result<GuardianAddress, Error> {
    let kept = sealer.seal(email.as_str().as_bytes(), student_id.as_bytes());
    let sql = "INSERT INTO guardian (student_id, email, set_by, set_at, version) VALUES ($1, $2, $3, $4, 1) \
               ON CONFLICT (student_id) DO UPDATE SET email = excluded.email, set_by = excluded.set_by, \
               set_at = excluded.set_at, version = guardian.version + 1 RETURNING version";
    let values = [student_id.into(), kept.into(), set_by.into(), set_at.into()];
    let row = txn.query_one_raw(super::statement(&**txn, sql, values)).await?;
    let row = row.ok_or_else(|| DbErr::RecordNotFound("the row that was just kept".to_owned()))?;
    Ok(GuardianAddress {
        student_id,
        version: row.try_get("", "version")?,
        email,
        set_by,
        set_at,
    })
}

fn address(sealer: &Sealer, row: Model) -> Result<GuardianAddress, Error> {
    let wrong = |what| Error::Inconsistent {
        table: "guardian",
        row: row.student_id,
        what,
    };
    let opened = sealer.open(&row.email, row.student_id.as_bytes())?;
    let text = String::from_utf8(opened).map_err(|_| wrong("email"))?;
    Ok(GuardianAddress {
        student_id: row.student_id,
        version: row.version,
        email: Email::parse(&text).map_err(wrong)?,
        set_by: row.set_by,
        set_at: row.set_at,
    })
}
