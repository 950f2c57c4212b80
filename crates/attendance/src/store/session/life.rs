//! How roll calls end. Each step is one conditional statement: of several processes one takes it.

use chrono::{DateTime, Utc};
use kit::{Db, db::Txn};
use sea_orm::{
    ColumnTrait as _, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    sea_query::{Expr, ExprTrait as _},
};
use uuid::Uuid;

use super::{
    super::entity::session::{Column, Entity},
    session,
};
use crate::{
    Error,
    domain::{Closed, Session},
};

/// Closes a roll call, unless somebody was faster; the roll call as it is then. Whatever else is done to it waits from here on.
pub(crate) async fn close_in_txn(
    txn: &Txn,
    id: Uuid,
    closed: Closed,
    now: DateTime<Utc>,
) -> Result<Option<Session>, Error> {
    let rows = Entity::update_many()
        .col_expr(Column::ClosedAt, Expr::val(closed.at))
        .col_expr(Column::ClosedBy, Expr::val(closed.by.as_str()))
        .col_expr(Column::SettlesAt, Expr::val(closed.settles_at))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .col_expr(Column::ChangedAt, Expr::val(now))
        .filter(Column::Id.eq(id))
        .filter(Column::ClosedAt.is_null())
        .exec_with_returning(&**txn)
        .await?;
    rows.into_iter().next().map(session).transpose()
}

/// Settles a roll call whose late scans have ended, unless somebody was faster; the roll call as it is then.
pub(crate) async fn settle_in_txn(txn: &Txn, id: Uuid, now: DateTime<Utc>) -> Result<Option<Session>, Error> {
    let rows = Entity::update_many()
        .col_expr(Column::SettledAt, Expr::val(now))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .col_expr(Column::ChangedAt, Expr::val(now))
        .filter(Column::Id.eq(id))
        .filter(Column::SettledAt.is_null())
        .filter(Column::SettlesAt.lte(now))
        .exec_with_returning(&**txn)
        .await?;
    rows.into_iter().next().map(session).transpose()
}

/// Open roll calls whose time is over, the oldest first.
pub(crate) async fn overdue(db: &Db, now: DateTime<Utc>, most: u64) -> Result<Vec<Session>, Error> {
    let rows = Entity::find()
        .filter(Column::ClosedAt.is_null())
        .filter(Column::ValidUntil.lte(now))
        .order_by_asc(Column::ValidUntil)
        .limit(most)
        .all(db.reader())
        .await?;
    rows.into_iter().map(session).collect()
}

/// Closed roll calls whose late scans have ended, the oldest first.
pub(crate) async fn unsettled(db: &Db, now: DateTime<Utc>, most: u64) -> Result<Vec<Uuid>, DbErr> {
    Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::SettledAt.is_null())
        .filter(Column::SettlesAt.lte(now))
        .order_by_asc(Column::SettlesAt)
        .limit(most)
        .into_tuple()
        .all(db.reader())
        .await
}
