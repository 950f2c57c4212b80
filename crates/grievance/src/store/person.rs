//! The copies of accounts that are no students'.

use kit::{access::role_name, db::Txn};
use proto::options::Role;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, ExprTrait as _, QueryFilter as _,
    sea_query::{Alias, Expr, OnConflict},
};
use uuid::Uuid;

use super::entity::person::{ActiveModel, Column, Entity, Model};
use crate::domain::Person;

/// Keeps accounts, each once, unless newer ones are there; how many were kept.
pub(crate) async fn keep_in_txn(txn: &Txn, people: &[Person]) -> Result<u64, DbErr> {
    if people.is_empty() {
        return Ok(0);
    }
    let rows = people.iter().map(|person| ActiveModel {
        id: Set(person.id),
        version: Set(person.version),
        name: Set(person.name.clone()),
        role: Set(role_name(person.role)),
        active: Set(person.active),
    });
    let told = Expr::col((Alias::new("excluded"), Column::Version));
    let mut newer = OnConflict::column(Column::Id);
    newer
        .update_columns([Column::Version, Column::Name, Column::Role, Column::Active])
        .action_and_where(Expr::col((Entity, Column::Version)).lt(told));
    Entity::insert_many(rows)
        .on_conflict(newer)
        .exec_without_returning(&**txn)
        .await
}

/// Nothing tells any more who somebody was.
pub(crate) async fn forget_in_txn(txn: &Txn, id: Uuid, version: i64) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::Name, Expr::val("Erased"))
        .col_expr(Column::Active, Expr::val(false))
        .col_expr(Column::Version, Expr::val(version))
        .filter(Column::Id.eq(id))
        .filter(Column::Version.lt(version))
        .exec(&**txn)
        .await
        .map(drop)
}

/// Somebody, by id.
pub(crate) async fn find(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Person>, DbErr> {
    Ok(Entity::find_by_id(id).one(db).await?.map(person))
}

/// Some of them, in no order.
pub(crate) async fn some(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<Person>, DbErr> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = Entity::find()
        .filter(Column::Id.is_in(ids.iter().copied()))
        .all(db)
        .await?;
    Ok(rows.into_iter().map(person).collect())
}

fn person(row: Model) -> Person {
    Person {
        id: row.id,
        version: row.version,
        name: row.name,
        role: Role::from_str_name(&row.role.to_uppercase()).unwrap_or(Role::Unspecified),
        active: row.active,
    }
}
