//! What approvers decided. Comments are sealed.

use std::collections::HashMap;

use kit::{db::Txn, keyring::Sealer};
use proto::options::Role;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _,
};
use uuid::Uuid;

use super::entity::decision::{ActiveModel, Column, Entity, Model};
use crate::{
    Error,
    domain::{Decision, Verdict},
};

/// Remembers a decision.
pub(crate) async fn insert_in_txn(txn: &Txn, sealer: &Sealer, decision: &Decision) -> Result<(), Error> {
    let comments = decision.comments.as_deref();
    let row = ActiveModel {
        id: Set(decision.id),
        leave_id: Set(decision.leave_id),
        step: Set(i16::try_from(decision.step).unwrap_or(i16::MAX)),
        verdict: Set(decision.verdict.as_str().to_owned()),
        decided_by: Set(decision.by),
        role: Set(kit::access::role_name(decision.role)),
        comments: Set(comments.map(|text| sealer.seal(text.as_bytes(), decision.id.as_bytes()))),
        without_guardian: Set(decision.without_guardian),
        decided_at: Set(decision.at),
    };
    Entity::insert(row).exec_without_returning(&**txn).await?;
    Ok(())
}

/// What was decided on these leaves, by leave, the first step first.
pub(crate) async fn of(
    db: &impl ConnectionTrait,
    sealer: &Sealer,
    leaves: &[Uuid],
) -> Result<HashMap<Uuid, Vec<Decision>>, Error> {
    let rows = Entity::find().filter(Column::LeaveId.is_in(leaves.iter().copied()));
    let rows = rows
        .order_by_asc(Column::LeaveId)
        .order_by_asc(Column::Step)
        .all(db)
        .await?;
    let mut found: HashMap<Uuid, Vec<Decision>> = HashMap::new();
    for row in rows {
        found.entry(row.leave_id).or_default().push(decision(sealer, row)?);
    }
    Ok(found)
}

fn decision(sealer: &Sealer, row: Model) -> Result<Decision, Error> {
    let wrong = |what| Error::Inconsistent {
        table: "decision",
        row: row.id,
        what,
    };
    let opened = row
        .comments
        .as_ref()
        .map(|sealed| sealer.open(sealed, row.id.as_bytes()));
    let comments = opened.transpose()?.map(String::from_utf8).transpose();
    Ok(Decision {
        id: row.id,
        leave_id: row.leave_id,
        step: usize::try_from(row.step).map_err(|_| wrong("step"))?,
        verdict: Verdict::parse(&row.verdict).ok_or_else(|| wrong("verdict"))?,
        by: row.decided_by,
        role: Role::from_str_name(&row.role.to_uppercase()).ok_or_else(|| wrong("role"))?,
        comments: comments.map_err(|_| wrong("comments"))?,
        without_guardian: row.without_guardian,
        at: row.decided_at,
    })
}
