//! Tickets past due, for the job that tells it.

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, ExprTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
    sea_query::{Expr, Func},
};
use uuid::Uuid;

use super::{
    super::entity::ticket::{Column, Entity},
    row,
};
use crate::{Error, domain::Ticket};

/// Those past due of which nobody was told yet, in the order of their ids after one.
pub(crate) async fn untold(
    db: &impl ConnectionTrait,
    now: DateTime<Utc>,
    after: Uuid,
    most: u64,
) -> Result<Vec<Ticket>, Error> {
    let rows = Entity::find()
        .filter(Column::DueAt.lt(now))
        .filter(Column::OverdueAt.is_null())
        .filter(Column::Id.gt(after))
        .order_by_asc(Column::Id)
        .limit(most)
        .all(db)
        .await?;
    rows.into_iter().map(row::ticket).collect()
}

/// How many steps there are beyond the first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Steps {
    pub plain: u8,
    pub sensitive: u8,
}

impl Steps {
    fn are_left(self) -> Condition {
        let left = |sensitive: bool, steps: u8| {
            Condition::all()
                .add(Column::Sensitive.eq(sensitive))
                .add(Column::Escalation.lt(i16::from(steps)))
        };
        Condition::any()
            .add(left(false, self.plain))
            .add(left(true, self.sensitive))
    }
}

/// Those past due of which fewer than so many steps beyond the first were told, the last one at this time or before; in the order of
/// their ids after one.
pub(crate) async fn told_before(
    db: &impl ConnectionTrait,
    (steps, before): (Steps, DateTime<Utc>),
    after: Uuid,
    most: u64,
) -> Result<Vec<Ticket>, Error> {
    let last_told = Func::coalesce([Expr::col(Column::EscalatedAt), Expr::col(Column::OverdueAt)]);
    let rows = Entity::find()
        // While it waits for the student there is no such time, and nobody is told.
        .filter(Column::DueAt.is_not_null())
        .filter(steps.are_left())
        .filter(Expr::expr(last_told).lte(before))
        .filter(Column::Id.gt(after))
        .order_by_asc(Column::Id)
        .limit(most)
        .all(db)
        .await?;
    rows.into_iter().map(row::ticket).collect()
}
