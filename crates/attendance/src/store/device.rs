//! The devices that students sign their scans with.

use chrono::{DateTime, Utc};
use kit::{
    access::{Caller, Identity},
    db::{Txn, unique_violation},
    page::Paging,
};
use proto::options::Role;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, Condition, ConnectionTrait, DbBackend, DbErr, EntityTrait as _, ExprTrait as _,
    PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Select, Statement, sea_query::Expr,
};
use uuid::Uuid;

use super::entity::device::{ActiveModel, Column, Entity, Model};
use crate::{
    Error,
    domain::{Device, DeviceState, PublicKey},
};

/// Which devices to list.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Filter {
    pub student: Option<Uuid>,
    pub state: Option<DeviceState>,
}

/// What a caller may see: wardens all, a student their own.
fn visible_to(caller: &Caller) -> Select<Entity> {
    let all = Entity::find();
    match caller.identity {
        Identity::User { role: Role::Warden, .. } | Identity::Service { .. } => all,
        Identity::User {
            id,
            role: Role::Student,
            ..
        } => all.filter(Column::StudentId.eq(id)),
        Identity::User { .. } | Identity::Nobody => all.filter(Expr::val(false)),
    }
}

/// Registrations of one student come one after the other, so that there is one first device.
pub(crate) async fn queue_up_in_txn(txn: &Txn, student: Uuid) -> Result<(), DbErr> {
    if txn.get_database_backend() != DbBackend::Postgres {
        // One writer at a time.
        return Ok(());
    }
    let key = student.as_u64_pair().1.cast_signed();
    let sql = "SELECT pg_advisory_xact_lock($1)";
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [key.into()]);
    txn.execute_raw(statement).await?;
    Ok(())
}

/// Keeps a new device; a key that is another's is a refusal.
pub(crate) async fn insert_in_txn(txn: &Txn, device: &Device) -> Result<(), Error> {
    let row = ActiveModel {
        id: Set(device.id),
        student_id: Set(device.student_id),
        name: Set(device.name.clone()),
        public_key: Set(device.public_key.as_bytes().to_vec()),
        active_from: Set(device.active_from),
        approved_by: Set(device.approved_by),
        retired_at: Set(device.retired_at),
        counter: Set(stored(device.counter, device.id)?),
        version: Set(device.version),
        created_at: Set(device.created_at),
        changed_at: Set(device.created_at),
    };
    match Entity::insert(row).exec_without_returning(&**txn).await {
        Ok(_) => Ok(()),
        // Beside its id the key is all that is unique of a device.
        Err(error) if unique_violation(&error).is_some() => Err(Error::KeyTaken),
        Err(error) => Err(error.into()),
    }
}

/// Every device that a student ever registered, the first first.
pub(crate) async fn of_student(db: &impl ConnectionTrait, student: Uuid) -> Result<Vec<Device>, Error> {
    let rows = Entity::find().filter(Column::StudentId.eq(student));
    let rows = rows
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::Id)
        .all(db)
        .await?;
    rows.into_iter().map(device).collect()
}

/// A student's device, by id.
pub(crate) async fn find_own(db: &impl ConnectionTrait, student: Uuid, id: Uuid) -> Result<Option<Device>, Error> {
    let row = Entity::find_by_id(id).filter(Column::StudentId.eq(student));
    row.one(db).await?.map(device).transpose()
}

/// A device that the caller may see.
pub(crate) async fn find_visible(
    db: &impl ConnectionTrait,
    caller: &Caller,
    id: Uuid,
) -> Result<Option<Device>, Error> {
    let row = visible_to(caller).filter(Column::Id.eq(id)).one(db).await?;
    row.map(device).transpose()
}

/// One page of the devices that the caller may see, the latest first, and how many there are in all.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    caller: &Caller,
    filter: Filter,
    now: DateTime<Utc>,
    paging: Paging,
) -> Result<(Vec<Device>, u64), Error> {
    let mut devices = visible_to(caller);
    if let Some(student) = filter.student {
        devices = devices.filter(Column::StudentId.eq(student));
    }
    if let Some(state) = filter.state {
        let in_use = || Condition::all().add(Column::RetiredAt.is_null());
        devices = devices.filter(match state {
            DeviceState::Active => in_use().add(Column::ActiveFrom.lte(now)),
            DeviceState::Waiting => in_use().add(Column::ActiveFrom.gt(now)),
            DeviceState::Retired => Condition::all().add(Column::RetiredAt.is_not_null()),
        });
    }
    let total = devices.clone().count(db).await?;
    let rows = devices.order_by_desc(Column::CreatedAt).order_by_desc(Column::Id);
    let rows = rows.offset(paging.offset()).limit(paging.limit()).all(db).await?;
    let devices = rows.into_iter().map(device).collect::<Result<_, _>>()?;
    Ok((devices, total))
}

/// A warden's word that a device is good from now on; `None` where it does not wait any more.
pub(crate) async fn approve_in_txn(
    txn: &Txn,
    id: Uuid,
    warden: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<Device>, Error> {
    let changed = changed(now)
        .col_expr(Column::ActiveFrom, Expr::val(now))
        .col_expr(Column::ApprovedBy, Expr::val(warden))
        .filter(Column::Id.eq(id))
        .filter(Column::RetiredAt.is_null())
        .filter(Column::ActiveFrom.gt(now));
    let rows = changed.exec_with_returning(&**txn).await?;
    rows.into_iter().next().map(device).transpose()
}

/// Retires a device; `None` where it is retired already.
pub(crate) async fn retire_in_txn(txn: &Txn, id: Uuid, now: DateTime<Utc>) -> Result<Option<Device>, Error> {
    let changed = changed(now)
        .col_expr(Column::RetiredAt, Expr::val(now))
        .filter(Column::Id.eq(id))
        .filter(Column::RetiredAt.is_null());
    let rows = changed.exec_with_returning(&**txn).await?;
    rows.into_iter().next().map(device).transpose()
}

/// A change of which an event is told.
fn changed(now: DateTime<Utc>) -> sea_orm::UpdateMany<Entity> {
    Entity::update_many()
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .col_expr(Column::ChangedAt, Expr::val(now))
}

/// Moves a counter on; `false` where it stands there already or further, or the device was retired meanwhile.
pub(crate) async fn count_in_txn(txn: &Txn, id: Uuid, counter: u64) -> Result<bool, Error> {
    let counter = stored(counter, id)?;
    let moved = Entity::update_many()
        .col_expr(Column::Counter, Expr::val(counter))
        .filter(Column::Id.eq(id))
        .filter(Column::Counter.lt(counter))
        .filter(Column::RetiredAt.is_null())
        .exec(&**txn)
        .await?;
    Ok(moved.rows_affected > 0)
}

/// Removes what is known of a student's devices; their ids. What they signed goes by its age.
pub(crate) async fn forget_in_txn(txn: &Txn, student: Uuid) -> Result<Vec<Uuid>, DbErr> {
    let gone = Entity::delete_many().filter(Column::StudentId.eq(student));
    let gone = gone.exec_with_returning(&**txn).await?;
    Ok(gone.into_iter().map(|row| row.id).collect())
}

fn stored(counter: u64, id: Uuid) -> Result<i64, Error> {
    i64::try_from(counter).map_err(|_| Error::Inconsistent {
        table: "device",
        row: id,
        what: "the counter is too large to be kept",
    })
}

fn device(row: Model) -> Result<Device, Error> {
    let wrong = |what| Error::Inconsistent {
        table: "device",
        row: row.id,
        what,
    };
    Ok(Device {
        id: row.id,
        student_id: row.student_id,
        name: row.name.clone(),
        public_key: PublicKey::parse(&row.public_key).map_err(wrong)?,
        active_from: row.active_from,
        approved_by: row.approved_by,
        retired_at: row.retired_at,
        counter: u64::try_from(row.counter).map_err(|_| wrong("counter"))?,
        version: row.version,
        created_at: row.created_at,
    })
}
