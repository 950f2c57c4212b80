//! What was said about tickets; only added to.

use kit::{db::Txn, page::Paging};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, PaginatorTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use super::entity::comment::{ActiveModel, Column, Entity, Model};
use crate::domain::Comment;

pub(crate) async fn insert_in_txn(txn: &Txn, comment: &Comment) -> Result<(), DbErr> {
    let row = ActiveModel {
        id: Set(comment.id),
        ticket_id: Set(comment.ticket_id),
        author: Set(comment.author),
        author_role: Set(comment.author_role.clone()),
        text: Set(comment.text.clone()),
        internal: Set(comment.internal),
        created_at: Set(comment.created_at),
    };
    Entity::insert(row).exec_without_returning(&**txn).await.map(drop)
}

/// One page of what was said about a ticket, the first first, and how much there is; internal notes only where they are wanted.
pub(crate) async fn page(
    db: &impl ConnectionTrait,
    ticket: Uuid,
    with_internal: bool,
    paging: Paging,
) -> Result<(Vec<Comment>, u64), DbErr> {
    let mut found = Entity::find().filter(Column::TicketId.eq(ticket));
    if !with_internal {
        found = found.filter(Column::Internal.eq(false));
    }
    let total = found.clone().count(db).await?;
    let rows = found
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::Id)
        .limit(paging.limit())
        .offset(paging.offset())
        .all(db)
        .await?;
    Ok((rows.into_iter().map(comment).collect(), total))
}

pub(super) fn comment(row: Model) -> Comment {
    Comment {
        id: row.id,
        ticket_id: row.ticket_id,
        author: row.author,
        author_role: row.author_role,
        text: row.text,
        internal: row.internal,
        created_at: row.created_at,
    }
}
