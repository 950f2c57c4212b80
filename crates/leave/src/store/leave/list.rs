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

use super::{Column, Entity, leave, visible_to};
use crate::{
    Error,
    domain::{Leave, StateName},
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

/// Leaves whose ids come after this one, by id.
pub(crate) async fn after(
    db: &impl ConnectionTrait,
    sealer: &Sealer,
    after: Uuid,
    limit: u64,
) -> Result<Vec<Leave>, Error> {
    let next = Entity::find().filter(Column::Id.gt(after)).order_by_asc(Column::Id);
    let rows: Result<Vec<_>, DbErr> = next.limit(limit).all(db).await;
    rows?.into_iter().map(|row| leave(sealer, row)).collect()
}
