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
    sea_query::Expr,
    sea_query::{ExprTrait as _, LikeExpr},
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
}

/// What a caller may see; every read for a caller starts here.
fn visible_to(caller: &Caller) -> Select<Entity> {
    let all = Entity::find();
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

/// Writes a changed account over its former version; `false` when somebody else was quicker.
pub(crate) async fn update_in_txn(txn: &Txn, user: &User) -> Result<bool, Error> {
    let changed = Entity::update_many()
        .col_expr(Column::Name, Expr::val(user.name.as_str()))
        .col_expr(Column::NameFolded, Expr::val(user.name.as_str().to_lowercase()))
        .col_expr(Column::IsActive, Expr::val(user.is_active()))
        .col_expr(Column::UpdatedAt, Expr::val(user.updated_at))
        .col_expr(Column::Version, Expr::val(user.version))
        .filter(Column::Id.eq(user.id))
        .filter(Column::Version.eq(user.version - 1))
        .exec(&**txn)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Records a sign-in; the account's new version, or `None` when it cannot sign in any more.
pub(crate) async fn record_login_in_txn(txn: &Txn, id: Uuid, at: DateTime<Utc>) -> Result<Option<i64>, Error> {
    let changed = Entity::update_many()
        .col_expr(Column::LastLoginAt, Expr::val(at))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .filter(Column::Id.eq(id))
        .filter(Column::IsActive.eq(true))
        .exec_with_returning(&**txn)
        .await?;
    Ok(changed.into_iter().next().map(|row| row.version))
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
    let row = Entity::find().filter(wanted).one(db).await?;
    row.map(|row| {
        Ok(Credentials {
            password_hash: row.password_hash.clone(),
            user: from_row(row)?,
        })
    })
    .transpose()
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

pub(crate) async fn count(db: &impl ConnectionTrait) -> Result<u64, DbErr> {
    Entity::find().count(db).await
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

fn active_model(user: &User, password_hash: Option<String>) -> ActiveModel {
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
    }
}

fn from_row(row: Model) -> Result<User, Error> {
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
        state: if row.is_active {
            State::Active
        } else {
            State::Deactivated
        },
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
        last_login_at: row.last_login_at,
    })
}
