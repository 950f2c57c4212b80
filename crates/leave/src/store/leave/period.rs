//! Leaves of a day and of a period.

use chrono::NaiveDate;
use kit::{access::Caller, keyring::Sealer, page::Paging};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, JoinType, PaginatorTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, QueryTrait as _, RelationTrait as _, Select,
};

use super::{Column, Entity, leave, visible_to};
use crate::{
    Error,
    domain::{Leave, StateName},
    store::{entity::leave::Relation, entity::student, student::of_block},
};

/// Which leaves of a period.
#[derive(Clone, Debug)]
pub(crate) struct Period {
    pub from: NaiveDate,
    /// This day, too.
    pub to: NaiveDate,
    /// Of students who live there today.
    pub block: Option<String>,
}

impl Period {
    /// Those of its leaves that the caller may see; which column has their last day.
    fn visible_to(&self, caller: &Caller, last_day: Column) -> Select<Entity> {
        visible_to(caller)
            .filter(Column::FromDate.lte(self.to))
            .filter(last_day.gte(self.from))
            .apply_if(self.block.as_deref(), |all, block| {
                all.filter(Column::StudentId.in_subquery(of_block(block)))
            })
    }
}

/// One page of the granted leaves of a period, by the students' names, and how many there are in all.
pub(crate) async fn granted_by_name(
    db: &impl ConnectionTrait,
    sealer: &Sealer,
    caller: &Caller,
    period: &Period,
    paging: Paging,
) -> Result<(Vec<Leave>, u64), Error> {
    let granted = period
        .visible_to(caller, Column::ToDate)
        .filter(Column::State.eq(StateName::Approved.as_str()));
    let total = granted.clone().count(db).await?;
    let rows = granted
        .join(JoinType::LeftJoin, Relation::Student.def())
        .order_by_asc(student::Column::Name)
        .order_by_asc(Column::Id)
        .offset(paging.offset())
        .limit(paging.limit())
        .all(db)
        .await?;
    let leaves: Result<_, _> = rows.into_iter().map(|row| leave(sealer, row)).collect();
    Ok((leaves?, total))
}

/// The granted leaves of a period by their first day, and where that is wanted those that were granted and taken back; at most
/// so many. With those, a leave that ended early is among them by the days that were asked for: a calendar that took it in with
/// these is corrected.
pub(crate) async fn of_period(
    db: &impl ConnectionTrait,
    sealer: &Sealer,
    caller: &Caller,
    period: &Period,
    with_cancelled: bool,
    most: u64,
) -> Result<Vec<Leave>, Error> {
    let granted = Condition::any().add(Column::State.eq(StateName::Approved.as_str()));
    let was_granted = Condition::all()
        .add(Column::State.eq(StateName::Cancelled.as_str()))
        .add(Column::DecidedAt.is_not_null());
    let (wanted, last_day) = if with_cancelled {
        (granted.add(was_granted), Column::AskedTo)
    } else {
        (granted, Column::ToDate)
    };
    let rows = period
        .visible_to(caller, last_day)
        .filter(wanted)
        .order_by_asc(Column::FromDate)
        .order_by_asc(Column::Id)
        .limit(most)
        .all(db)
        .await?;
    rows.into_iter().map(|row| leave(sealer, row)).collect()
}
