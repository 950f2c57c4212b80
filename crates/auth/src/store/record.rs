//! Queries on accounts that stand for records of another service: many at a time, a few statements for all.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use kit::db::{self, Txn};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, EntityTrait as _, PaginatorTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _, Statement, TransactionTrait as _, TryInsertResult,
    sea_query::{Expr, OnConflict},
};
use uuid::Uuid;

use super::{
    entity::user::{ActiveModel, Column, Entity, Model},
    user,
};
use crate::{
    Error,
    domain::{Email, RegistrationNumber, State, User, record::Standing},
};

/// What an account is written with when it agrees with its record. The rest of the row is its own.
const CONFORMING: [Column; 14] = [
    Column::Email,
    Column::EmailFolded,
    Column::Name,
    Column::NameFolded,
    Column::RegistrationNo,
    Column::RegistrationNoFolded,
    Column::IsActive,
    Column::Version,
    Column::CreatedAt,
    Column::UpdatedAt,
    Column::ReservedAt,
    Column::RecordVersion,
    Column::IsAhead,
    Column::ErasedAt,
];

/// The field whose value is another account's.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Taken {
    Email,
    RegistrationNo,
}

/// Whoever writes about many accounts does so one after the other: two that wrote the same addresses in another order would
/// wait for each other for ever. Until the transaction ends.
pub(crate) async fn take_turn_in_txn(txn: &Txn) -> Result<(), DbErr> {
    // SQLite has one writer at a time.
    if txn.get_database_backend() == DbBackend::Postgres {
        // Any number that nothing else in this database uses.
        let sql = "SELECT pg_advisory_xact_lock(7035501)";
        txn.query_all_raw(Statement::from_string(DbBackend::Postgres, sql))
            .await?;
    }
    Ok(())
}

/// Which of these accounts there are, reserved ones too.
pub(crate) async fn known(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<Uuid>, DbErr> {
    let found = Entity::find().select_only().column(Column::Id);
    let found = found.filter(Column::Id.is_in(ids.iter().copied()));
    found.into_tuple().all(db).await
}

/// How these accounts stand; nobody else changes them before this transaction ends.
pub(crate) async fn standings_in_txn(txn: &Txn, ids: &[Uuid]) -> Result<HashMap<Uuid, Standing>, Error> {
    let rows = Entity::find()
        .filter(Column::Id.is_in(ids.iter().copied()))
        .order_by_asc(Column::Id)
        .lock_exclusive()
        .all(&**txn)
        .await?;
    let standing = |row: Model| {
        let standing = Standing {
            is_reserved: row.reserved_at.is_some(),
            has_password: row.password_hash.is_some(),
            record_version: row.record_version,
            is_ahead: row.is_ahead,
            user: user::from_row(row)?,
        };
        Ok((standing.user.id, standing))
    };
    rows.into_iter().map(standing).collect()
}

/// Reserves those whose address and number are nobody's; which they are.
pub(crate) async fn reserve_in_txn(
    txn: &Txn,
    new: &[(User, Option<String>)],
    at: DateTime<Utc>,
) -> Result<Vec<Uuid>, DbErr> {
    let rows = new.iter().map(|(user, password_hash)| ActiveModel {
        reserved_at: Set(Some(at)),
        ..user::active_model(user, password_hash.clone())
    });
    let inserted = Entity::insert_many(rows)
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .try_insert()
        .exec_with_returning_many(&**txn)
        .await?;
    Ok(match inserted {
        TryInsertResult::Inserted(rows) => rows.into_iter().map(|row| row.id).collect(),
        TryInsertResult::Empty | TryInsertResult::Conflicted => Vec::new(),
    })
}

/// An account that stands for a record.
pub(crate) struct Noted {
    pub id: Uuid,
    /// The version of the record that it agreed with last.
    pub version: i64,
    pub is_erased: bool,
}

/// All accounts that stand for records.
pub(crate) async fn noted(db: &impl ConnectionTrait) -> Result<Vec<Noted>, DbErr> {
    let found = Entity::find()
        .select_only()
        .columns([Column::Id, Column::RecordVersion, Column::ErasedAt])
        .filter(Column::RecordVersion.is_not_null())
        .filter(Column::ReservedAt.is_null());
    let rows: Vec<(Uuid, i64, Option<DateTime<Utc>>)> = found.into_tuple().all(db).await?;
    let noted = |(id, version, erased_at): (Uuid, i64, Option<DateTime<Utc>>)| Noted {
        id,
        version,
        is_erased: erased_at.is_some(),
    };
    Ok(rows.into_iter().map(noted).collect())
}

/// Which of these addresses and numbers, in the form by which they are compared, belong to an account.
pub(crate) async fn taken_in_txn(txn: &Txn, emails: Vec<String>, numbers: Vec<String>) -> Result<Belonging, DbErr> {
    let column = async |column: Column, wanted: Vec<String>| {
        let found = Entity::find().select_only().column(column);
        found
            .filter(column.is_in(wanted))
            .into_tuple::<String>()
            .all(&**txn)
            .await
    };
    Ok(Belonging {
        emails: column(Column::EmailFolded, emails).await?,
        numbers: column(Column::RegistrationNoFolded, numbers).await?,
    })
}

/// Addresses and numbers that belong to accounts.
pub(crate) struct Belonging {
    pub emails: Vec<String>,
    pub numbers: Vec<String>,
}

/// Gives an account another address and number, ahead of its record; the field where one of them is another account's.
pub(crate) async fn readdress_in_txn(
    txn: &Txn,
    user: &User,
    (email, number): (&Email, &RegistrationNumber),
) -> Result<Option<Taken>, DbErr> {
    let changing = Entity::update_many()
        .col_expr(Column::Email, Expr::val(email.as_str()))
        .col_expr(Column::EmailFolded, Expr::val(email.folded()))
        .col_expr(Column::RegistrationNo, Expr::val(number.as_str()))
        .col_expr(Column::RegistrationNoFolded, Expr::val(number.folded()))
        .col_expr(Column::Version, Expr::val(user.version))
        .col_expr(Column::UpdatedAt, Expr::val(user.updated_at))
        .col_expr(Column::IsAhead, Expr::val(true))
        .filter(Column::Id.eq(user.id));
    unless_taken(txn, async |part| changing.exec(part).await.map(drop)).await
}

/// An account as it is to be, and the version of its record, where there is one.
pub(crate) type Conforming<'a> = (&'a User, Option<i64>);

/// Makes accounts what their records say, those that there are and those that there are not; the field where an address or
/// number is another account's, and then all of them stay.
pub(crate) async fn conform_in_txn(txn: &Txn, accounts: &[Conforming<'_>]) -> Result<Option<Taken>, DbErr> {
    if accounts.is_empty() {
        return Ok(None);
    }
    let rows = accounts.iter().map(|(user, record_version)| ActiveModel {
        record_version: Set(*record_version),
        erased_at: Set((user.state == State::Erased).then_some(user.updated_at)),
        ..user::active_model(user, None)
    });
    let mut over = OnConflict::column(Column::Id);
    over.update_columns(CONFORMING);
    let writing = Entity::insert_many(rows).on_conflict(over);
    unless_taken(txn, async |part| writing.exec_without_returning(part).await.map(drop)).await
}

/// Whether an account stands for a record.
pub(crate) async fn has_one_in_txn(txn: &Txn, id: Uuid) -> Result<bool, DbErr> {
    let found = Entity::find_by_id(id).filter(Column::RecordVersion.is_not_null());
    Ok(found.count(&**txn).await? > 0)
}

/// Gives back what was reserved.
pub(crate) async fn give_back_in_txn(txn: &Txn, ids: &[Uuid]) -> Result<(), DbErr> {
    super::password_history::forget_in_txn(txn, ids).await?;
    Entity::delete_many()
        .filter(Column::Id.is_in(ids.iter().copied()))
        .filter(Column::ReservedAt.is_not_null())
        .exec(&**txn)
        .await
        .map(drop)
}

/// Does something in a part of the transaction that a taken address or number undoes alone: PostgreSQL gives up all of a
/// transaction in which a statement failed.
async fn unless_taken(
    txn: &Txn,
    work: impl AsyncFnOnce(&DatabaseTransaction) -> Result<(), DbErr>,
) -> Result<Option<Taken>, DbErr> {
    let part = txn.begin().await?;
    let Err(error) = work(&part).await else {
        part.commit().await?;
        return Ok(None);
    };
    part.rollback().await?;
    match db::unique_violation(&error) {
        Some(constraint) if constraint.contains("registration_no") => Ok(Some(Taken::RegistrationNo)),
        Some(_) => Ok(Some(Taken::Email)),
        None => Err(error),
    }
}
