//! Leaves that extend each other, and who waits for a guardian.

use std::collections::HashMap;

use chrono::NaiveDate;
use kit::{access::Caller, db::Txn, keyring::Sealer};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use super::{Column, Entity, find_visible, leave};
use crate::{
    Error,
    domain::{Chain, GuardianState, Leave, StateName},
};

/// Holds a chain by its first leave until the end of the transaction: nobody else changes who is out on it, and until when.
/// Whoever holds it and changes leaves takes it first.
pub(crate) async fn hold_chain_in_txn(txn: &Txn, root: Uuid) -> Result<(), DbErr> {
    let row = Entity::find_by_id(root).select_only().column(Column::Id);
    let held: Option<Uuid> = row.lock_exclusive().into_tuple().one(&**txn).await?;
    held.map(drop)
        .ok_or_else(|| DbErr::RecordNotFound(format!("leave {root}")))
}

/// A leave that the caller may see, as it stands once its chain is held: what was read while this waited may be old.
pub(crate) async fn held_in_txn(txn: &Txn, sealer: &Sealer, caller: &Caller, id: Uuid) -> Result<Leave, Error> {
    let found = find_visible(&**txn, sealer, caller, id).await?;
    hold_chain_in_txn(txn, found.ok_or(Error::UnknownLeave)?.root_id).await?;
    let held = find_visible(&**txn, sealer, caller, id).await?;
    held.ok_or(Error::UnknownLeave)
}

/// A leave and all that extend it, by the first of them.
pub(crate) async fn chain(db: &impl ConnectionTrait, sealer: &Sealer, root: Uuid) -> Result<Chain, Error> {
    let rows = Entity::find().filter(Column::RootId.eq(root)).all(db).await?;
    let leaves: Result<Vec<_>, _> = rows.into_iter().map(|row| leave(sealer, row)).collect();
    Chain::new(leaves?).ok_or(Error::Inconsistent {
        table: "leave",
        row: root,
        what: "there is no such chain",
    })
}

/// The first days of these leaves, by id.
pub(crate) async fn first_days(db: &impl ConnectionTrait, leaves: &[Uuid]) -> Result<HashMap<Uuid, NaiveDate>, DbErr> {
    let found: Vec<(Uuid, NaiveDate)> = Entity::find()
        .select_only()
        .columns([Column::Id, Column::FromDate])
        .filter(Column::Id.is_in(leaves.iter().copied()))
        .into_tuple()
        .all(db)
        .await?;
    Ok(found.into_iter().collect())
}

/// The leaves of a student of which the guardian was asked and did not answer, the first one first.
pub(crate) async fn asked_of_guardian(
    db: &impl ConnectionTrait,
    sealer: &Sealer,
    student: Uuid,
) -> Result<Vec<Leave>, Error> {
    let rows = Entity::find()
        .filter(Column::StudentId.eq(student))
        .filter(Column::State.eq(StateName::Pending.as_str()))
        .filter(Column::GuardianState.eq(GuardianState::Asked.as_str()))
        .order_by_asc(Column::AskedAt)
        .all(db)
        .await?;
    rows.into_iter().map(|row| leave(sealer, row)).collect()
}
