//! Leaves as lists.

use chrono::NaiveDate;
use kit::{
    access::Caller,
    keyring::Sealer,
    page::{Order, Paging},
};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, QueryTrait as _,
};
use uuid::Uuid;

use super::{Column, Entity, leave, visible_to, wrong};
use crate::{
    Error,
    domain::{Leave, StateName, Summary},
    store::student::of_block,
};

/// Which leaves to list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub status: Option<StateName>,
    /// With days from this one on.
    pub from: Option<NaiveDate>,
    /// With days up to and with this one.
    pub to: Option<NaiveDate>,
    pub student: Option<Uuid>,
    /// Of students who live there today.
    pub block: Option<String>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum SortBy {
    CreatedAt,
    FromDate,
}

/// One page of the leaves that the caller may see, and how many there are in all.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    sealer: &Sealer,
    caller: &Caller,
    filter: &Filter,
    (sort_by, order): (SortBy, Order),
    paging: Paging,
) -> Result<(Vec<Leave>, u64), Error> {
    let leaves = visible_to(caller)
        .apply_if(filter.status, |all, status| {
            all.filter(Column::State.eq(status.as_str()))
        })
        .apply_if(filter.from, |all, from| all.filter(Column::ToDate.gte(from)))
        .apply_if(filter.to, |all, to| all.filter(Column::FromDate.lte(to)))
        .apply_if(filter.student, |all, student| all.filter(Column::StudentId.eq(student)))
        .apply_if(filter.block.as_deref(), |all, block| {
            all.filter(Column::StudentId.in_subquery(of_block(block)))
        });
    let total = leaves.clone().count(db).await?;
    let column = match sort_by {
        SortBy::CreatedAt => Column::AskedAt,
        SortBy::FromDate => Column::FromDate,
    };
    let order = match order {
        Order::Ascending => sea_orm::Order::Asc,
        Order::Descending => sea_orm::Order::Desc,
    };
    let rows = leaves
        .order_by(column, order.clone())
        .order_by(Column::Id, order)
        .offset(paging.offset())
        .limit(paging.limit())
        .all(db)
        .await?;
    let leaves: Result<_, _> = rows.into_iter().map(|row| leave(sealer, row)).collect();
    Ok((leaves?, total))
}

/// What others are told of leaves whose ids come after this one, by id. Nothing else of a leave is read for it: what is wrong
/// with the rest of a row keeps nobody from hearing of its days.
pub(crate) async fn summaries_after(db: &impl ConnectionTrait, after: Uuid, limit: u64) -> Result<Vec<Summary>, Error> {
    let next = Entity::find()
        .select_only()
        .columns([
            Column::Id,
            Column::Version,
            Column::StudentId,
            Column::FromDate,
            Column::ToDate,
            Column::State,
        ])
        .filter(Column::Id.gt(after))
        .order_by_asc(Column::Id)
        .limit(limit);
    let rows: Vec<(Uuid, i64, Uuid, NaiveDate, NaiveDate, String)> = next.into_tuple().all(db).await?;
    let summary = |(id, version, student_id, from, to, state): (_, _, _, _, _, String)| {
        Ok(Summary {
            id,
            version,
            student_id,
            from,
            to,
            state: StateName::parse(&state).ok_or_else(|| wrong(id, "state"))?,
        })
    };
    rows.into_iter().map(summary).collect()
}

/// Whether anybody ever asked for a leave.
pub(crate) async fn any(db: &impl ConnectionTrait) -> Result<bool, DbErr> {
    let first: Option<Uuid> = Entity::find()
        .select_only()
        .column(Column::Id)
        .limit(1)
        .into_tuple()
        .one(db)
        .await?;
    Ok(first.is_some())
}

/// How many of a student's leaves wait for a decision.
pub(crate) async fn count_pending(db: &impl ConnectionTrait, student: Uuid) -> Result<u64, DbErr> {
    let pending = Entity::find()
        .filter(Column::StudentId.eq(student))
        .filter(Column::State.eq(StateName::Pending.as_str()));
    pending.count(db).await
}
