//! Leaves. What a student says of one is sealed.

mod chain;
mod list;
mod period;

use chrono::{DateTime, Utc};
use kit::{
    access::{Caller, Identity},
    db::Txn,
    keyring::Sealer,
};
use proto::options::Role;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, EntityTrait as _, ExprTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, Select, sea_query::Expr,
};
use uuid::Uuid;

pub(crate) use self::{
    chain::{asked_of_guardian, chain, first_days, held_in_txn, hold_chain_in_txn},
    list::{Filter, SortBy, any, count_pending, list, summaries_after},
    period::{Period, granted_by_name, of_period},
};
use super::entity::leave::{ActiveModel, Column, Entity, Model};
use crate::{
    Error,
    domain::{Approver, Days, Decided, Details, Guardian, GuardianState, Leave, LeaveType, State, StateName},
};

/// What a caller may see: wardens and administrators all, a guard those that are granted, a student their own.
pub(super) fn visible_to(caller: &Caller) -> Select<Entity> {
    let all = Entity::find();
    match caller.identity {
        Identity::User {
            role: Role::Warden | Role::Admin,
            ..
        }
        | Identity::Service { .. } => all,
        Identity::User { role: Role::Guard, .. } => all.filter(Column::State.eq(StateName::Approved.as_str())),
        Identity::User {
            id,
            role: Role::Student,
            ..
        } => all.filter(Column::StudentId.eq(id)),
        Identity::User { .. } | Identity::Nobody => all.filter(Expr::val(false)),
    }
}

/// Keeps a new leave. Its days are taken by themselves: [`super::day::take_in_txn`].
pub(crate) async fn insert_in_txn(txn: &Txn, sealer: &Sealer, leave: &Leave) -> Result<(), Error> {
    let row = ActiveModel {
        id: Set(leave.id),
        version: Set(leave.version),
        student_id: Set(leave.student_id),
        leave_type: Set(leave.leave_type.as_str().to_owned()),
        from_date: Set(leave.days.from()),
        to_date: Set(leave.days.to()),
        asked_to: Set(leave.asked_to),
        details: Set(sealed(sealer, leave.id, &leave.details)?),
        retroactive: Set(leave.retroactive),
        extends: Set(leave.extends),
        root_id: Set(leave.root_id),
        chain: Set(Approver::join(&leave.chain)),
        state: Set(leave.state.name().as_str().to_owned()),
        step: Set(step(leave.state)),
        decided_by: Set(leave.state.decided().map(|decided| decided.by)),
        decided_at: Set(leave.state.decided().map(|decided| decided.at)),
        cancelled_by: Set(leave.state.cancelled().map(|cancelled| cancelled.by)),
        cancelled_at: Set(leave.state.cancelled().map(|cancelled| cancelled.at)),
        guardian_state: Set(leave.guardian.state.as_str().to_owned()),
        guardian_at: Set(leave.guardian.at),
        document_required: Set(leave.document_required),
        asked_at: Set(leave.asked_at),
        changed_at: Set(leave.changed_at),
    };
    Entity::insert(row).exec_without_returning(&**txn).await?;
    Ok(())
}

/// Puts a leave as a transition made it in the place of the same as it was, unless somebody was there first: then it is `None`.
/// The version is one more.
pub(crate) async fn change_in_txn(txn: &Txn, before: &Leave, after: Leave) -> Result<Option<Leave>, Error> {
    let state = after.state;
    let changed = Entity::update_many()
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .col_expr(Column::ToDate, Expr::val(after.days.to()))
        .col_expr(Column::State, Expr::val(state.name().as_str()))
        .col_expr(Column::Step, Expr::val(step(state)))
        .col_expr(Column::DecidedBy, Expr::val(state.decided().map(|decided| decided.by)))
        .col_expr(Column::DecidedAt, Expr::val(state.decided().map(|decided| decided.at)))
        .col_expr(
            Column::CancelledBy,
            Expr::val(state.cancelled().map(|cancelled| cancelled.by)),
        )
        .col_expr(
            Column::CancelledAt,
            Expr::val(state.cancelled().map(|cancelled| cancelled.at)),
        )
        .col_expr(Column::GuardianState, Expr::val(after.guardian.state.as_str()))
        .col_expr(Column::GuardianAt, Expr::val(after.guardian.at))
        .col_expr(Column::ChangedAt, Expr::val(after.changed_at))
        .filter(Column::Id.eq(before.id))
        .filter(Column::State.eq(before.state.name().as_str()))
        .filter(Column::Step.eq(step(before.state)))
        .filter(Column::ToDate.eq(before.days.to()))
        .filter(Column::GuardianState.eq(before.guardian.state.as_str()))
        .exec_with_returning(&**txn)
        .await?;
    Ok(changed.into_iter().next().map(|row| Leave {
        version: row.version,
        ..after
    }))
}

/// One version more, for an event that tells of something beside the leave itself; the leave as it is then.
pub(crate) async fn touch_in_txn(
    txn: &Txn,
    sealer: &Sealer,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<Leave>, Error> {
    let touched = Entity::update_many()
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .col_expr(Column::ChangedAt, Expr::val(now))
        .filter(Column::Id.eq(id))
        .exec_with_returning(&**txn)
        .await?;
    let touched = touched.into_iter().next();
    touched.map(|row| leave(sealer, row)).transpose()
}

/// A leave, by id, whoever asks.
pub(crate) async fn find(db: &impl ConnectionTrait, sealer: &Sealer, id: Uuid) -> Result<Option<Leave>, Error> {
    let row = Entity::find_by_id(id).one(db).await?;
    row.map(|row| leave(sealer, row)).transpose()
}

/// A leave that the caller may see.
pub(crate) async fn find_visible(
    db: &impl ConnectionTrait,
    sealer: &Sealer,
    caller: &Caller,
    id: Uuid,
) -> Result<Option<Leave>, Error> {
    let row = visible_to(caller).filter(Column::Id.eq(id)).one(db).await?;
    row.map(|row| leave(sealer, row)).transpose()
}

/// The ids of a student's leaves, whatever became of them, in the order in which chains are held and then changed.
pub(crate) async fn of_student_in_txn(txn: &Txn, student: Uuid) -> Result<Vec<Uuid>, Error> {
    let only = Entity::find().select_only().column(Column::Id);
    let only = only.filter(Column::StudentId.eq(student)).order_by_asc(Column::Id);
    Ok(only.into_tuple().all(&**txn).await?)
}

/// Puts other details in the place of those that were given.
pub(crate) async fn put_details_in_txn(txn: &Txn, sealer: &Sealer, id: Uuid, details: &Details) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::Details, Expr::val(sealed(sealer, id, details)?))
        .filter(Column::Id.eq(id))
        .exec(&**txn)
        .await?;
    Ok(())
}

/// The days of a leave.
pub(crate) async fn days(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Days>, Error> {
    let only = Entity::find_by_id(id)
        .select_only()
        .columns([Column::FromDate, Column::ToDate]);
    let found: Option<(chrono::NaiveDate, chrono::NaiveDate)> = only.into_tuple().one(db).await?;
    let days = found.map(|(from, to)| Days::new(from, to).map_err(|what| wrong(id, what)));
    days.transpose()
}

fn sealed(sealer: &Sealer, id: Uuid, details: &Details) -> Result<Vec<u8>, Error> {
    let text = serde_json::to_vec(details).map_err(kit::Fault::internal)?;
    Ok(sealer.seal(&text, id.as_bytes()))
}

fn step(state: State) -> i16 {
    // A chain is short.
    i16::try_from(state.step().unwrap_or_default()).unwrap_or(i16::MAX)
}

fn wrong(row: Uuid, what: &'static str) -> Error {
    Error::Inconsistent {
        table: "leave",
        row,
        what,
    }
}

pub(super) fn leave(sealer: &Sealer, row: Model) -> Result<Leave, Error> {
    let id = row.id;
    let details = sealer.open(&row.details, id.as_bytes())?;
    let details: Details = serde_json::from_slice(&details).map_err(|_| wrong(id, "details"))?;
    let guardian_state = GuardianState::parse(&row.guardian_state);
    Ok(Leave {
        id,
        version: row.version,
        student_id: row.student_id,
        leave_type: LeaveType::parse(&row.leave_type).map_err(|_| wrong(id, "leave_type"))?,
        days: Days::new(row.from_date, row.to_date).map_err(|what| wrong(id, what))?,
        asked_to: row.asked_to,
        details,
        retroactive: row.retroactive,
        extends: row.extends,
        root_id: row.root_id,
        chain: Approver::split(&row.chain).ok_or_else(|| wrong(id, "chain"))?,
        state: state(&row)?,
        guardian: Guardian {
            state: guardian_state.ok_or_else(|| wrong(id, "guardian_state"))?,
            at: row.guardian_at,
        },
        document_required: row.document_required,
        asked_at: row.asked_at,
        changed_at: row.changed_at,
    })
}

fn state(row: &Model) -> Result<State, Error> {
    let pair = |by: Option<Uuid>, at: Option<DateTime<Utc>>| by.zip(at).map(|(by, at)| Decided { by, at });
    let decided = pair(row.decided_by, row.decided_at);
    let cancelled = pair(row.cancelled_by, row.cancelled_at);
    let name = StateName::parse(&row.state).ok_or_else(|| wrong(row.id, "state"))?;
    match (name, decided, cancelled) {
        (StateName::Pending, None, None) => {
            let step = usize::try_from(row.step).map_err(|_| wrong(row.id, "step"))?;
            Ok(State::Pending { step })
        }
        (StateName::Approved, Some(decided), None) => Ok(State::Approved(decided)),
        (StateName::Rejected, Some(decided), None) => Ok(State::Rejected(decided)),
        (StateName::Cancelled, granted, Some(Decided { by, at })) => Ok(State::Cancelled { by, at, granted }),
        _ => Err(wrong(row.id, "who decided does not fit the state")),
    }
}
