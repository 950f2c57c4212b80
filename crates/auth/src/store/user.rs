//! Queries on accounts.

use chrono::{DateTime, Utc};
use kit::{
    access::{Caller, Identity, role_name},
    db::{self, Txn},
    page::{Order, Paging},
};
use proto::options::Role;
use sea_orm::{
    ActiveModelTrait as _,
    ActiveValue::Set,
    ColumnTrait as _, Condition, ConnectionTrait, DbBackend, DbErr, EntityTrait as _, PaginatorTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _, Select, Statement,
    sea_query::{Expr, ExprTrait as _, LikeExpr, LockType},
};
use uuid::Uuid;

use super::entity::user::{ActiveModel, Column, Entity, Model};
use crate::{
    Error,
    domain::{Email, PersonName, RegistrationNumber, State, User},
};

/// Which accounts to list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub role: Option<Role>,
    pub is_active: Option<bool>,
    /// Beginning of name, address or number.
    pub search: Option<String>,
}

/// What a list of accounts is sorted by.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SortBy {
    Name,
    Email,
    CreatedAt,
}

/// An account with the hash of its password, for signing in.
pub(crate) struct Credentials {
    pub user: User,
    pub password_hash: Option<String>,
    pub password_changed_at: Option<DateTime<Utc>>,
}

/// The accounts that are somebody's. What is reserved for a record to come is not there for anybody: every read but those of
/// the room `record` starts here.
fn people() -> Select<Entity> {
    Entity::find().filter(Column::ReservedAt.is_null())
}

fn person(id: Uuid) -> Select<Entity> {
    people().filter(Column::Id.eq(id))
}

/// What a caller may see; every read for a caller starts here.
fn visible_to(caller: &Caller) -> Select<Entity> {
    let all = people();
    match &caller.identity {
        Identity::User {
            role: Role::Admin | Role::Warden,
            ..
        }
        | Identity::Service { .. } => all,
        Identity::User { id, .. } => all.filter(Column::Id.eq(*id)),
        Identity::Nobody => all.filter(Expr::val(false)),
    }
}

/// Adds an account; a taken address is an error of its own.
pub(crate) async fn insert_in_txn(txn: &Txn, user: &User, password_hash: Option<String>) -> Result<(), Error> {
    let inserted = active_model(user, password_hash).insert(&**txn).await;
    match inserted {
        Ok(_) => Ok(()),
        Err(error) if db::unique_violation(&error).is_some() => Err(Error::EmailTaken),
        Err(error) => Err(error.into()),
    }
}

/// Puts a password in place of the one that was there when it was decided, and forgets failures to sign in; `false` when
/// that is not the account's password any more, or the account is deactivated.
pub(crate) async fn replace_password_in_txn(
    txn: &Txn,
    id: Uuid,
    before: Option<&str>,
    hash: &str,
    at: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let still_there = before.map_or_else(
        || Column::PasswordHash.is_null(),
        |before| Column::PasswordHash.eq(before),
    );
    let changed = Entity::update_many()
        .col_expr(Column::PasswordHash, Expr::val(hash))
        .col_expr(Column::PasswordChangedAt, Expr::val(at))
        .col_expr(Column::Failures, Expr::val(0))
        .col_expr(Column::LockedUntil, Expr::val(Option::<DateTime<Utc>>::None))
        .filter(Column::Id.eq(id))
        .filter(Column::IsActive.eq(true))
        .filter(still_there)
        .exec(&**txn)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Writes a changed account over its former version; `false` when somebody else was quicker.
pub(crate) async fn update_in_txn(txn: &Txn, user: &User) -> Result<bool, Error> {
    let changed = Entity::update_many()
        .col_expr(Column::Name, Expr::val(user.name.as_str()))
        .col_expr(Column::NameFolded, Expr::val(user.name.as_str().to_lowercase()))
        .col_expr(Column::IsActive, Expr::val(user.is_active()))
        .col_expr(Column::Role, Expr::val(role_name(user.role)))
        .col_expr(Column::UpdatedAt, Expr::val(user.updated_at))
        .col_expr(Column::Version, Expr::val(user.version))
        .filter(Column::Id.eq(user.id))
        .filter(Column::Version.eq(user.version - 1))
        .exec(&**txn)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Makes others who write about this account wait for the transaction. Whoever writes to several tables comes here first
/// and goes on in the order account, session: so that no two wait for each other.
pub(crate) async fn hold_in_txn(txn: &Txn, id: Uuid) -> Result<(), DbErr> {
    let row = Entity::find_by_id(id).select_only().column(Column::Id);
    // SQLite has one writer at a time and leaves the lock out.
    let held = row.lock(LockType::NoKeyUpdate).into_tuple::<Uuid>();
    held.one(&**txn).await.map(drop)
}

/// The next version of an account, for an event that is about it but does not change what others see of it.
pub(crate) async fn next_version_in_txn(txn: &Txn, id: Uuid) -> Result<i64, Error> {
    let changed = Entity::update_many()
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .filter(Column::Id.eq(id))
        .exec_with_returning(&**txn)
        .await?;
    changed
        .into_iter()
        .next()
        .map(|row| row.version)
        .ok_or(Error::UnknownUser)
}

/// An account by its id, whoever asks: for the service's own work.
pub(crate) async fn by_id(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<User>, Error> {
    person(id).one(db).await?.map(from_row).transpose()
}

/// The same, and nobody else changes it before this transaction ends.
pub(crate) async fn lock_in_txn(txn: &Txn, id: Uuid) -> Result<Option<User>, Error> {
    let row = person(id).lock_exclusive().one(&**txn).await?;
    row.map(from_row).transpose()
}

/// The account behind an e-mail address or registration number.
pub(crate) async fn find_by_identifier(
    db: &impl ConnectionTrait,
    identifier: &str,
) -> Result<Option<Credentials>, Error> {
    let wanted = if identifier.contains('@') {
        Column::EmailFolded.eq(identifier.to_lowercase())
    } else {
        Column::RegistrationNoFolded.eq(identifier.to_ascii_uppercase())
    };
    let row = people().filter(wanted).one(db).await?;
    row.map(with_password).transpose()
}

/// An account by its id with the hash of its password, whoever asks.
pub(crate) async fn credentials(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Credentials>, Error> {
    person(id).one(db).await?.map(with_password).transpose()
}

fn with_password(row: Model) -> Result<Credentials, Error> {
    Ok(Credentials {
        password_hash: row.password_hash.clone(),
        password_changed_at: row.password_changed_at,
        user: from_row(row)?,
    })
}

pub(crate) async fn find(db: &impl ConnectionTrait, caller: &Caller, id: Uuid) -> Result<Option<User>, Error> {
    let row = visible_to(caller).filter(Column::Id.eq(id)).one(db).await?;
    row.map(from_row).transpose()
}

/// One page of the accounts that a caller may see, and how many there are in all.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    caller: &Caller,
    filter: &Filter,
    sort: (SortBy, Order),
    paging: Paging,
) -> Result<(Vec<User>, u64), Error> {
    let mut wanted = visible_to(caller);
    if let Some(role) = filter.role {
        wanted = wanted.filter(Column::Role.eq(role_name(role)));
    }
    if let Some(is_active) = filter.is_active {
        wanted = wanted.filter(Column::IsActive.eq(is_active));
    }
    if let Some(search) = &filter.search {
        wanted = wanted.filter(begins_with(search));
    }
    let total = wanted.clone().count(db).await?;
    let column = match sort.0 {
        SortBy::Name => Column::NameFolded,
        SortBy::Email => Column::EmailFolded,
        SortBy::CreatedAt => Column::CreatedAt,
    };
    let direction = match sort.1 {
        Order::Ascending => sea_orm::Order::Asc,
        Order::Descending => sea_orm::Order::Desc,
    };
    // The id makes the order complete, so that no row moves between pages.
    let rows = wanted
        .order_by(column, direction.clone())
        .order_by(Column::Id, direction)
        .offset(paging.offset())
        .limit(paging.limit())
        .all(db)
        .await?;
    let users = rows.into_iter().map(from_row).collect::<Result<_, _>>()?;
    Ok((users, total))
}

/// Accounts with one of these roles, or all where none is named, whose ids come after this one, by id.
pub(crate) async fn after(
    db: &impl ConnectionTrait,
    roles: &[Role],
    after: Uuid,
    limit: u64,
) -> Result<Vec<User>, Error> {
    let mut next = people().filter(Column::Id.gt(after));
    if !roles.is_empty() {
        next = next.filter(Column::Role.is_in(roles.iter().map(|role| role_name(*role))));
    }
    let rows = next.order_by_asc(Column::Id).limit(limit).all(db).await?;
    rows.into_iter().map(from_row).collect()
}

pub(crate) async fn count(db: &impl ConnectionTrait) -> Result<u64, DbErr> {
    people().count(db).await
}

/// The ids of those of these addresses that belong to somebody.
pub(crate) async fn ids_by_email(db: &impl ConnectionTrait, emails: &[String]) -> Result<Vec<(String, Uuid)>, DbErr> {
    let found = people().select_only().column(Column::EmailFolded).column(Column::Id);
    let wanted = Column::EmailFolded.is_in(emails.iter().map(|email| email.to_lowercase()));
    found.filter(wanted).into_tuple().all(db).await
}

/// Whether anybody but `id` is an active administrator. Locks those rows, so that two administrators who deactivate each
/// other at the same moment do so one after the other.
pub(crate) async fn other_active_admin_in_txn(txn: &Txn, id: Uuid) -> Result<bool, DbErr> {
    let lock = if txn.get_database_backend() == DbBackend::Postgres {
        " FOR UPDATE"
    } else {
        ""
    };
    let sql = format!("SELECT id FROM user_account WHERE role = 'admin' AND is_active ORDER BY id{lock}");
    let rows = txn
        .query_all_raw(Statement::from_string(txn.get_database_backend(), sql))
        .await?;
    for row in rows {
        if row.try_get::<Uuid>("", "id")? != id {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Name, address or number begins with the text; `%` and `_` stand for themselves.
fn begins_with(text: &str) -> Condition {
    let escaped = text
        .to_lowercase()
        .replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_");
    let like = |pattern: String| LikeExpr::new(pattern).escape('\\');
    Condition::any()
        .add(Column::NameFolded.like(like(format!("{escaped}%"))))
        .add(Column::EmailFolded.like(like(format!("{escaped}%"))))
        .add(Column::RegistrationNoFolded.like(like(format!("{}%", escaped.to_uppercase()))))
}

pub(super) fn active_model(user: &User, password_hash: Option<String>) -> ActiveModel {
    let password_changed_at = password_hash.as_ref().map(|_| user.created_at);
    ActiveModel {
        id: Set(user.id),
        email: Set(user.email.as_str().to_owned()),
        email_folded: Set(user.email.folded()),
        name: Set(user.name.as_str().to_owned()),
        name_folded: Set(user.name.as_str().to_lowercase()),
        role: Set(role_name(user.role)),
        registration_no: Set(user.registration_no.as_ref().map(|number| number.as_str().to_owned())),
        registration_no_folded: Set(user.registration_no.as_ref().map(RegistrationNumber::folded)),
        password_hash: Set(password_hash),
        is_active: Set(user.is_active()),
        version: Set(user.version),
        created_at: Set(user.created_at),
        updated_at: Set(user.updated_at),
        last_login_at: Set(user.last_login_at),
        failures: Set(0),
        locked_until: Set(None),
        password_changed_at: Set(password_changed_at),
        wrong_codes: Set(0),
        wrong_codes_since: Set(None),
        reserved_at: Set(None),
        record_version: Set(None),
        is_ahead: Set(false),
        erased_at: Set(None),
    }
}

pub(super) fn from_row(row: Model) -> Result<User, Error> {
    let id = row.id;
    let broken = |what| Error::Inconsistent {
        table: "user_account",
        row: id.to_string(),
        what,
    };
    let role = Role::from_str_name(&row.role.to_uppercase()).ok_or_else(|| broken("unknown role"))?;
    let registration_no = row
        .registration_no
        .as_deref()
        .map(RegistrationNumber::parse)
        .transpose();
    Ok(User {
        id,
        email: Email::parse(&row.email).map_err(broken)?,
        name: PersonName::parse(&row.name).map_err(broken)?,
        role,
        registration_no: registration_no.map_err(broken)?,
        state: match row.erased_at {
            Some(_) => State::Erased,
            None if row.is_active => State::Active,
            None => State::Deactivated,
        },
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
        last_login_at: row.last_login_at,
    })
}
