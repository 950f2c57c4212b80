//! What changed of tickets; only added to.

use kit::{db::Txn, page::Paging};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, PaginatorTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use super::entity::change::{ActiveModel, Column, Entity, Model};
use crate::domain::Change;

/// Notes changes. Nothing of a note ever changes.
pub(crate) async fn note_in_txn(txn: &Txn, changes: &[Change]) -> Result<(), DbErr> {
    if changes.is_empty() {
        return Ok(());
    }
    let rows = changes.iter().map(|change| ActiveModel {
        id: Set(change.id),
        ticket_id: Set(change.ticket_id),
        field: Set(change.field.clone()),
        before: Set(change.before.clone()),
        after: Set(change.after.clone()),
        author: Set(change.author),
        author_role: Set(change.author_role.clone()),
        internal: Set(change.internal),
        changed_at: Set(change.changed_at),
    });
    Entity::insert_many(rows).exec_without_returning(&**txn).await?;
    Ok(())
}

/// One page of the changes of a ticket, the first first, and how many there are; internal ones only where they are wanted.
pub(crate) async fn page(
    db: &impl ConnectionTrait,
    ticket: Uuid,
    with_internal: bool,
    paging: Paging,
) -> Result<(Vec<Change>, u64), DbErr> {
    let mut found = Entity::find().filter(Column::TicketId.eq(ticket));
    if !with_internal {
        found = found.filter(Column::Internal.eq(false));
    }
    let total = found.clone().count(db).await?;
    let rows = found
        .order_by_asc(Column::ChangedAt)
        .order_by_asc(Column::Id)
        .limit(paging.limit())
        .offset(paging.offset())
        .all(db)
        .await?;
    Ok((rows.into_iter().map(change).collect(), total))
}

pub(super) fn change(row: Model) -> Change {
    Change {
        id: row.id,
        ticket_id: row.ticket_id,
        field: row.field,
        before: row.before,
        after: row.after,
        author: row.author,
        author_role: row.author_role,
        internal: row.internal,
        changed_at: row.changed_at,
    }
}
