//! Times that tickets waited for the student.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use kit::db::Txn;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    sea_query::Expr,
};
use uuid::Uuid;

use super::entity::pause::{ActiveModel, Column, Entity, Model};
use crate::domain::Pause;

/// A ticket waits from now on.
pub(crate) async fn begin_in_txn(txn: &Txn, id: Uuid, ticket: Uuid, now: DateTime<Utc>) -> Result<(), DbErr> {
    let row = ActiveModel {
        id: Set(id),
        ticket_id: Set(ticket),
        began_at: Set(now),
        ended_at: Set(None),
    };
    Entity::insert(row).exec_without_returning(&**txn).await?;
    Ok(())
}

/// A ticket waits no longer.
pub(crate) async fn end_in_txn(txn: &Txn, ticket: Uuid, now: DateTime<Utc>) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::EndedAt, Expr::val(now))
        .filter(Column::TicketId.eq(ticket))
        .filter(Column::EndedAt.is_null())
        .exec(&**txn)
        .await?;
    Ok(())
}

/// The pauses of some tickets, those of each in order.
pub(crate) async fn of_tickets(
    db: &impl ConnectionTrait,
    tickets: &[Uuid],
) -> Result<HashMap<Uuid, Vec<Pause>>, DbErr> {
    let mut pauses: HashMap<Uuid, Vec<Pause>> = HashMap::new();
    if tickets.is_empty() {
        return Ok(pauses);
    }
    let rows = Entity::find()
        .filter(Column::TicketId.is_in(tickets.iter().copied()))
        .order_by_asc(Column::BeganAt)
        .all(db)
        .await?;
    for row in rows {
        pauses.entry(row.ticket_id).or_default().push(pause(&row));
    }
    Ok(pauses)
}

/// The pauses of a ticket that began at this time or later, the first first.
pub(crate) async fn of_ticket(
    db: &impl ConnectionTrait,
    ticket: Uuid,
    since: DateTime<Utc>,
) -> Result<Vec<Pause>, DbErr> {
    let rows = Entity::find()
        .filter(Column::TicketId.eq(ticket))
        .filter(Column::BeganAt.gte(since))
        .order_by_asc(Column::BeganAt)
        .all(db)
        .await?;
    Ok(rows.iter().map(pause).collect())
}

fn pause(row: &Model) -> Pause {
    Pause {
        from: row.began_at,
        to: row.ended_at,
    }
}
