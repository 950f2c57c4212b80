//! Tickets.

pub(crate) mod figures;
pub(crate) mod late;
pub(crate) mod list;
pub(super) mod row;

use chrono::{DateTime, Utc};
use kit::{
    access::{Caller, Identity},
    db::Txn,
};
use proto::options::Role;
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DbBackend, DbErr, EntityTrait as _, ExprTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, Select, sea_query::Expr,
};
use uuid::Uuid;

use super::entity::ticket::{Column, Entity};
use crate::{
    Error,
    domain::{Status, Ticket, TicketRef},
};

/// The tickets that a caller may see: students their own, staff what is assigned to them, wardens and admins all but sensitive ones
/// that their role is not named for.
pub(crate) fn visible_to(caller: &Caller, named: &[Role]) -> Select<Entity> {
    let all = Entity::find();
    match caller.identity {
        Identity::User { id, role, .. } => match role {
            Role::Student => all.filter(Column::StudentId.eq(id)),
            Role::Staff => all.filter(Column::AssignedTo.eq(id)),
            Role::Warden | Role::Admin if named.contains(&role) => all,
            Role::Warden | Role::Admin => all.filter(Column::Sensitive.eq(false)),
            Role::Guard | Role::Teacher | Role::Unspecified => all.filter(nothing()),
        },
        Identity::Service { .. } => all,
        Identity::Nobody => all.filter(nothing()),
    }
}

fn nothing() -> Condition {
    Condition::all().add(Expr::val(1).eq(0))
}

/// One that the caller may see.
pub(crate) async fn find(
    db: &impl ConnectionTrait,
    caller: &Caller,
    named: &[Role],
    ticket: TicketRef,
) -> Result<Option<Ticket>, Error> {
    let found = named_so(visible_to(caller, named), ticket).one(db).await?;
    found.map(row::ticket).transpose()
}

/// The same, and nobody else changes it before this transaction ends.
pub(crate) async fn find_locked_in_txn(
    txn: &Txn,
    caller: &Caller,
    named: &[Role],
    ticket: TicketRef,
) -> Result<Option<Ticket>, Error> {
    let found = named_so(visible_to(caller, named), ticket).lock_exclusive();
    found.one(&**txn).await?.map(row::ticket).transpose()
}

fn named_so(tickets: Select<Entity>, ticket: TicketRef) -> Select<Entity> {
    match ticket {
        TicketRef::Id(id) => tickets.filter(Column::Id.eq(id)),
        TicketRef::Number(number) => tickets
            .filter(Column::Year.eq(number.year))
            .filter(Column::Number.eq(number.number)),
    }
}

/// Any, for the service's own work.
pub(crate) async fn by_id(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Ticket>, Error> {
    Entity::find_by_id(id).one(db).await?.map(row::ticket).transpose()
}

/// The same, and nobody else changes it before this transaction ends: for what only adds to a ticket, so that two who do it at once both can.
pub(crate) async fn lock_in_txn(txn: &Txn, id: Uuid) -> Result<Option<Ticket>, Error> {
    // SQLite has one writer at a time and leaves the lock out.
    let row = Entity::find_by_id(id).lock_exclusive().one(&**txn).await?;
    row.map(row::ticket).transpose()
}

/// Two that are to be merged and those that follow the first of them, and nobody else changes any of them before this transaction ends.
/// They are locked in order of their ids, so that no two wait for each other.
pub(crate) async fn lock_for_merge_in_txn(txn: &Txn, duplicate: Uuid, target: Uuid) -> Result<Vec<Ticket>, Error> {
    let concerned = Condition::any()
        .add(Column::Id.is_in([duplicate, target]))
        .add(Column::MergedInto.eq(duplicate));
    let rows = Entity::find()
        .filter(concerned)
        .order_by_asc(Column::Id)
        .lock_exclusive()
        .all(&**txn)
        .await?;
    rows.into_iter().map(row::ticket).collect()
}

/// Some, for the service's own work, in no order.
pub(crate) async fn some(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<Ticket>, Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = Entity::find()
        .filter(Column::Id.is_in(ids.iter().copied()))
        .all(db)
        .await?;
    rows.into_iter().map(row::ticket).collect()
}

/// Those that were merged into one.
pub(crate) async fn merged_into(db: &impl ConnectionTrait, target: Uuid, most: u64) -> Result<Vec<Ticket>, Error> {
    let rows = Entity::find()
        .filter(Column::MergedInto.eq(target))
        .order_by_asc(Column::Id)
        .limit(most)
        .all(db)
        .await?;
    rows.into_iter().map(row::ticket).collect()
}

/// Whether there is one at all. Whoever asks so waits for others who did, until their transactions have ended.
pub(crate) async fn is_any_in_txn(txn: &Txn) -> Result<bool, DbErr> {
    // SQLite has one writer at a time.
    if txn.get_database_backend() == DbBackend::Postgres {
        // Any number that nothing else in this database uses.
        let turn = super::statement(&**txn, "SELECT pg_advisory_xact_lock(7035511)", []);
        txn.query_all_raw(turn).await?;
    }
    let first = Entity::find().select_only().column(Column::Id).limit(1);
    Ok(first.into_tuple::<Uuid>().one(&**txn).await?.is_some())
}

/// Some that were resolved before then and are not closed, in order of their ids.
pub(crate) async fn resolved_before(
    db: &impl ConnectionTrait,
    before: DateTime<Utc>,
    after: Uuid,
    most: u64,
) -> Result<Vec<Uuid>, DbErr> {
    Entity::find()
        .filter(Column::Status.eq(Status::Resolved.as_str()))
        .filter(Column::ResolvedAt.lt(before))
        .filter(Column::Id.gt(after))
        .order_by_asc(Column::Id)
        .limit(most)
        .select_only()
        .column(Column::Id)
        .into_tuple()
        .all(db)
        .await
}

/// Keeps new ones, one at least.
pub(crate) async fn insert_in_txn(txn: &Txn, tickets: &[Ticket]) -> Result<(), DbErr> {
    Entity::insert_many(tickets.iter().map(row::model))
        .exec_without_returning(&**txn)
        .await
        .map(drop)
}

/// Keeps a ticket as it is now, unless it is no longer of the version that was seen; `false` then.
pub(crate) async fn update_in_txn(txn: &Txn, seen: i64, ticket: &Ticket) -> Result<bool, DbErr> {
    let result = Entity::update_many()
        .set(row::model(ticket))
        .filter(Column::Id.eq(ticket.id))
        .filter(Column::Version.eq(seen))
        .exec(&**txn)
        .await?;
    Ok(result.rows_affected == 1)
}
