//! Who was erased, and what that does to entries.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use kit::db::{Txn, one_of, statement};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait as _, DbErr, EntityTrait as _, QueryFilter as _, sea_query::Expr,
};

use super::entity::{Column, Entity};

/// Takes the details out of every entry about `subject` or by them, and remembers them for entries that come late.
pub(crate) async fn erase_in_txn(txn: &Txn, subject: &str, at: DateTime<Utc>) -> Result<(), DbErr> {
    let remember = "INSERT INTO erased (subject, erased_at) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    txn.execute_raw(statement(&**txn, remember, [subject.into(), at.into()]))
        .await?;
    let theirs = Condition::any()
        .add(Column::ResourceId.eq(subject))
        .add(Column::ActorId.eq(subject));
    // Without its salt nobody can try out what the digest was made of.
    Entity::update_many()
        .col_expr(Column::Details, Expr::val(Option::<String>::None))
        .col_expr(Column::Salt, Expr::val(""))
        .filter(theirs)
        .exec(&**txn)
        .await?;
    Ok(())
}

/// Which of these were erased.
pub(crate) async fn among_in_txn(txn: &Txn, subjects: &HashSet<&str>) -> Result<HashSet<String>, DbErr> {
    let (these, values) = one_of(txn.get_database_backend(), "subject", 0, subjects.iter().copied())?;
    let sql = format!("SELECT subject FROM erased WHERE {these}");
    let rows = txn.query_all_raw(statement(&**txn, sql, values)).await?;
    rows.iter().map(|row| row.try_get("", "subject")).collect()
}
