//! Pages of roll calls.

use chrono::{DateTime, NaiveDate, Utc};
use kit::{
    Db,
    access::Caller,
    page::{Order as Direction, Paging},
};
use sea_orm::{
    ColumnTrait as _, Condition, Order, PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use super::{super::entity::session::Column, session, visible_to};
use crate::{Error, domain::Session};

/// Which roll calls are wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub block_folded: Option<String>,
    pub year: Option<u8>,
    pub stands: Option<Stands>,
    pub from: Option<NaiveDate>,
    pub to: Option<NaiveDate>,
}

/// How a roll call stands at a time, whether or not somebody wrote it down yet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Stands {
    Active,
    Closed,
    Settled,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum SortBy {
    ValidFrom,
    Block,
    Year,
}

impl Filter {
    fn condition(&self, now: DateTime<Utc>) -> Condition {
        Condition::all()
            .add_option(self.block_folded.as_ref().map(|block| Column::BlockFolded.eq(block)))
            .add_option(self.year.map(|year| Column::Year.eq(i16::from(year))))
            .add_option(self.from.map(|day| Column::Day.gte(day)))
            .add_option(self.to.map(|day| Column::Day.lte(day)))
            .add_option(self.stands.map(|stands| stands.condition(now)))
    }
}

impl Stands {
    fn condition(self, now: DateTime<Utc>) -> Condition {
        let is_open = Column::ClosedAt.is_null();
        match self {
            Self::Active => Condition::all().add(is_open).add(Column::ValidUntil.gt(now)),
            Self::Closed => Condition::any()
                .add(Condition::all().add(is_open).add(Column::ValidUntil.lte(now)))
                .add(
                    Condition::all()
                        .add(Column::ClosedAt.is_not_null())
                        .add(Column::SettledAt.is_null()),
                ),
            Self::Settled => Condition::all().add(Column::SettledAt.is_not_null()),
        }
    }
}

/// One page, and how many there are in all.
pub(crate) async fn page(
    db: &Db,
    caller: &Caller,
    filter: &Filter,
    (sort_by, direction): (SortBy, Direction),
    paging: Paging,
    now: DateTime<Utc>,
) -> Result<(Vec<Session>, u64), Error> {
    let order = match direction {
        Direction::Ascending => Order::Asc,
        Direction::Descending => Order::Desc,
    };
    let column = match sort_by {
        SortBy::ValidFrom => Column::ValidFrom,
        SortBy::Block => Column::BlockFolded,
        SortBy::Year => Column::Year,
    };
    let found = visible_to(caller).filter(filter.condition(now));
    let total = found.clone().count(db.reader()).await?;
    let mut ordered = found.order_by(column, order.clone());
    if sort_by != SortBy::ValidFrom {
        // Those of the same block or year: the latest first.
        ordered = ordered.order_by(Column::ValidFrom, Order::Desc);
    }
    let rows = ordered
        .order_by(Column::Id, order)
        .limit(paging.limit())
        .offset(paging.offset())
        .all(db.reader())
        .await?;
    let sessions: Result<Vec<Session>, Error> = rows.into_iter().map(session).collect();
    Ok((sessions?, total))
}

/// One that the caller may see.
pub(crate) async fn one(db: &Db, caller: &Caller, id: Uuid) -> Result<Option<Session>, Error> {
    let row = visible_to(caller).filter(Column::Id.eq(id)).one(db.reader()).await?;
    row.map(session).transpose()
}
