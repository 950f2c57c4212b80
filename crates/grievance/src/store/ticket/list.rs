//! Pages of tickets.

use chrono::{DateTime, Utc};
use kit::{
    access::{Caller, Identity},
    page::{Order as Direction, Paging},
};
use proto::options::Role;
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, Order, PaginatorTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, Select,
    sea_query::{Expr, ExprTrait as _, LikeExpr, Query},
};
use uuid::Uuid;

use super::{
    super::entity::{
        student,
        ticket::{Column, Entity},
    },
    row, visible_to,
};
use crate::{
    Error,
    domain::{Priority, Status, Ticket, folded},
};

/// Which tickets are wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub status: Option<Status>,
    pub priority: Option<Priority>,
    pub category: Option<String>,
    pub assigned_to: Option<Uuid>,
    pub search: Option<String>,
    pub overdue: Option<bool>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum SortBy {
    CreatedAt,
    UpdatedAt,
    DueAt,
    Priority,
}

/// One page of what the caller may see, and how many there are in all.
pub(crate) async fn page(
    db: &impl ConnectionTrait,
    (caller, named): (&Caller, &[Role]),
    filter: &Filter,
    sort: (SortBy, Direction),
    paging: Paging,
    now: DateTime<Utc>,
) -> Result<(Vec<Ticket>, u64), Error> {
    let wanted = filter.condition(caller, named, now);
    let found = visible_to(caller, named).filter(wanted);
    let total = found.clone().count(db).await?;
    let rows = sorted(found, sort)
        .limit(paging.limit())
        .offset(paging.offset())
        .all(db)
        .await?;
    let tickets: Result<Vec<Ticket>, Error> = rows.into_iter().map(row::ticket).collect();
    Ok((tickets?, total))
}

fn sorted(found: Select<Entity>, (by, direction): (SortBy, Direction)) -> Select<Entity> {
    let order = match direction {
        Direction::Ascending => Order::Asc,
        Direction::Descending => Order::Desc,
    };
    let sorted = match by {
        SortBy::CreatedAt => found.order_by(Column::CreatedAt, order.clone()),
        SortBy::UpdatedAt => found.order_by(Column::UpdatedAt, order.clone()),
        // What has no time stands behind what has one, whatever the database makes of it.
        SortBy::DueAt => found
            .order_by(Column::DueAt.is_null(), Order::Asc)
            .order_by(Column::DueAt, order.clone()),
        // The more urgent, the smaller.
        SortBy::Priority => found
            .order_by(
                Column::Priority,
                if order == Order::Asc { Order::Desc } else { Order::Asc },
            )
            .order_by(Column::CreatedAt, Order::Desc),
    };
    // The id makes the order complete, so that no row moves between pages.
    sorted.order_by(Column::Id, order)
}

impl Filter {
    fn condition(&self, caller: &Caller, named: &[Role], now: DateTime<Utc>) -> Condition {
        Condition::all()
            .add_option(self.status.map(|status| Column::Status.eq(status.as_str())))
            .add_option(self.priority.map(|priority| Column::Priority.eq(priority.rank())))
            .add_option(self.category.as_ref().map(|category| Column::Category.eq(category)))
            .add_option(self.assigned_to.map(|staff| Column::AssignedTo.eq(staff)))
            .add_option(self.search.as_ref().map(|text| holds(text, caller, named)))
            .add_option(self.overdue.map(|overdue| is_overdue(overdue, now)))
    }
}

fn is_overdue(overdue: bool, now: DateTime<Utc>) -> Condition {
    if overdue {
        // Only while time runs there is a time when it is due.
        return Condition::all().add(Column::DueAt.lt(now));
    }
    Condition::any()
        .add(Column::DueAt.is_null())
        .add(Column::DueAt.gte(now))
}

/// Its number or what is wrong holds the text, or, for whoever is told, whose it is; `%` and `_` stand for themselves. Both sides are
/// folded here: databases differ in which letters they know.
fn holds(text: &str, caller: &Caller, named: &[Role]) -> Condition {
    let escaped = folded(text)
        .replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_");
    let like = || LikeExpr::new(format!("%{escaped}%")).escape('\\');
    let students = Query::select()
        .column(student::Column::Id)
        .from(student::Entity)
        .cond_where(
            Condition::any()
                .add(Expr::col(student::Column::NameFolded).like(like()))
                .add(Expr::col(student::Column::RegistrationNoFolded).like(like())),
        )
        .to_owned();
    let whose = Condition::any()
        .add(Column::StudentId.in_subquery(students))
        .add(Expr::col(Column::RoomNoFolded).like(like()));
    Condition::any()
        .add(Expr::col(Column::NumberFolded).like(like()))
        .add(Expr::col(Column::DescriptionFolded).like(like()))
        .add(Condition::all().add(whose).add(is_told(caller, named)))
}

/// Whose tickets the caller is told whose they are.
fn is_told(caller: &Caller, named: &[Role]) -> Condition {
    match caller.identity {
        Identity::User { role, .. } if role == Role::Student || named.contains(&role) => Condition::all(),
        Identity::Service { .. } => Condition::all(),
        Identity::User { .. } | Identity::Nobody => Condition::all().add(Column::Sensitive.eq(false)),
    }
}
