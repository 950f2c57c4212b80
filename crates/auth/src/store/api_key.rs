//! Queries on API keys: only their hashes are here.

use chrono::{DateTime, Duration, Utc};
use kit::{access::role_name, db::Txn, page::Paging};
use proto::options::Role;
use sea_orm::{
    ActiveModelTrait as _,
    ActiveValue::Set,
    ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, PaginatorTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, Select, UpdateMany,
    sea_query::{Expr, ExprTrait as _},
};
use uuid::Uuid;

use super::entity::api_key::{ActiveModel, Column, Entity, Model};
use crate::{
    Error,
    domain::{
        api_key::{AllowedIps, ApiKey, KeyName},
        user::Manager,
    },
};

/// What somebody who manages keys may see; every read for a caller starts here.
fn visible_to(manager: Manager) -> Select<Entity> {
    let all = Entity::find();
    match manager.role {
        Role::Admin => all,
        _ => all.filter(Column::OwnerId.eq(manager.id)),
    }
}

pub(crate) async fn insert_in_txn(txn: &Txn, key: &ApiKey, hash: String) -> Result<(), DbErr> {
    let row = ActiveModel {
        id: Set(key.id),
        owner_id: Set(key.owner_id),
        name: Set(key.name.as_str().to_owned()),
        prefix: Set(key.prefix.clone()),
        hash: Set(hash),
        role: Set(role_name(key.role)),
        allowed_ips: Set(key.allowed_ips.texts().collect::<Vec<_>>().join("\n")),
        version: Set(key.version),
        created_at: Set(key.created_at),
        expires_at: Set(key.expires_at),
        last_used_at: Set(key.last_used_at),
        last_refused_at: Set(key.last_refused_at),
        revoked_at: Set(key.revoked_at),
    };
    row.insert(&**txn).await.map(drop)
}

/// How many keys of an owner hold.
pub(crate) async fn count_live_in_txn(txn: &Txn, owner_id: Uuid, now: DateTime<Utc>) -> Result<u64, DbErr> {
    Entity::find()
        .filter(Column::OwnerId.eq(owner_id))
        .filter(Column::RevokedAt.is_null())
        .filter(Column::ExpiresAt.gt(now))
        .count(&**txn)
        .await
}

pub(crate) async fn find(db: &impl ConnectionTrait, manager: Manager, id: Uuid) -> Result<Option<ApiKey>, Error> {
    let row = visible_to(manager).filter(Column::Id.eq(id)).one(db).await?;
    row.map(from_row).transpose()
}

/// One page of the keys that somebody may see, the newest first, and how many there are in all.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    manager: Manager,
    paging: Paging,
) -> Result<(Vec<ApiKey>, u64), Error> {
    let total = visible_to(manager).count(db).await?;
    let rows = visible_to(manager)
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id)
        .offset(paging.offset())
        .limit(paging.limit())
        .all(db)
        .await?;
    let keys = rows.into_iter().map(from_row).collect::<Result<_, _>>()?;
    Ok((keys, total))
}

/// The last keys of an owner, revoked ones too.
pub(crate) async fn last_of_owner(db: &impl ConnectionTrait, owner_id: Uuid, most: u64) -> Result<Vec<ApiKey>, Error> {
    let rows = Entity::find()
        .filter(Column::OwnerId.eq(owner_id))
        .order_by_desc(Column::CreatedAt)
        .limit(most)
        .all(db)
        .await?;
    rows.into_iter().map(from_row).collect()
}

/// A key by its id, whoever asks: for the service's own work.
pub(crate) async fn by_id(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<ApiKey>, Error> {
    Entity::find_by_id(id).one(db).await?.map(from_row).transpose()
}

pub(crate) async fn by_hash(db: &impl ConnectionTrait, hash: &str) -> Result<Option<ApiKey>, Error> {
    let row = Entity::find().filter(Column::Hash.eq(hash)).one(db).await?;
    row.map(from_row).transpose()
}

/// Revokes a key; `None` when it is revoked already, or there is none.
pub(crate) async fn revoke_in_txn(txn: &Txn, id: Uuid, at: DateTime<Utc>) -> Result<Option<ApiKey>, Error> {
    let revoked = revoking(at)
        .filter(Column::Id.eq(id))
        .exec_with_returning(&**txn)
        .await?;
    revoked.into_iter().next().map(from_row).transpose()
}

/// Revokes all keys of an owner but those with one of the roles `kept`; which they were.
pub(crate) async fn revoke_of_owner_in_txn(
    txn: &Txn,
    owner_id: Uuid,
    kept: &[Role],
    at: DateTime<Utc>,
) -> Result<Vec<ApiKey>, Error> {
    let revoked = revoking(at)
        .filter(Column::OwnerId.eq(owner_id))
        .filter(Column::Role.is_not_in(kept.iter().copied().map(role_name)))
        .exec_with_returning(&**txn)
        .await?;
    revoked.into_iter().map(from_row).collect()
}

fn revoking(at: DateTime<Utc>) -> UpdateMany<Entity> {
    next_version()
        .col_expr(Column::RevokedAt, Expr::val(at))
        .filter(Column::RevokedAt.is_null())
}

/// Notes that a key is used; its new version, or `None` when that was noted less than `apart` ago.
pub(crate) async fn note_use_in_txn(
    txn: &Txn,
    id: Uuid,
    at: DateTime<Utc>,
    apart: Duration,
) -> Result<Option<i64>, DbErr> {
    note_in_txn(txn, id, (Column::LastUsedAt, at), apart).await
}

/// Notes that a key was refused at a wrong address; as [`note_use_in_txn`].
pub(crate) async fn note_refusal_in_txn(
    txn: &Txn,
    id: Uuid,
    at: DateTime<Utc>,
    apart: Duration,
) -> Result<Option<i64>, DbErr> {
    note_in_txn(txn, id, (Column::LastRefusedAt, at), apart).await
}

async fn note_in_txn(
    txn: &Txn,
    id: Uuid,
    (column, at): (Column, DateTime<Utc>),
    apart: Duration,
) -> Result<Option<i64>, DbErr> {
    let due = Condition::any().add(column.is_null()).add(column.lte(at - apart));
    let noted = next_version()
        .col_expr(column, Expr::val(at))
        .filter(Column::Id.eq(id))
        .filter(due)
        .exec_with_returning(&**txn)
        .await?;
    Ok(noted.into_iter().next().map(|row| row.version))
}

fn next_version() -> UpdateMany<Entity> {
    Entity::update_many().col_expr(Column::Version, Expr::col(Column::Version).add(1))
}

fn from_row(row: Model) -> Result<ApiKey, Error> {
    let id = row.id;
    let broken = |what| Error::Inconsistent {
        table: "api_key",
        row: id.to_string(),
        what,
    };
    let networks: Vec<&str> = row.allowed_ips.lines().collect();
    Ok(ApiKey {
        id,
        owner_id: row.owner_id,
        name: KeyName::parse(&row.name).map_err(broken)?,
        prefix: row.prefix,
        role: Role::from_str_name(&row.role.to_uppercase()).ok_or_else(|| broken("unknown role"))?,
        allowed_ips: AllowedIps::parse(&networks).map_err(broken)?,
        version: row.version,
        created_at: row.created_at,
        expires_at: row.expires_at,
        last_used_at: row.last_used_at,
        last_refused_at: row.last_refused_at,
        revoked_at: row.revoked_at,
    })
}
