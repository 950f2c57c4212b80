//! Who was erased, and what that does to entries.

use chrono::{DateTime, Utc};
use kit::db::Txn;
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait as _, DbErr, EntityTrait as _, QueryFilter as _, Statement,
    sea_query::Expr,
};

use super::entity::{Column, Entity};

/// Takes the details out of every entry about `subject` or by them, and remembers them for entries that come late.
pub(crate) async fn erase_in_txn(txn: &Txn, subject: &str, at: DateTime<Utc>) -> Result<(), DbErr> {
    let remember = "INSERT INTO erased (subject, erased_at) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    txn.execute_raw(statement(txn, remember, [subject.into(), at.into()]))
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

/// Whether one of two was erased.
pub(crate) async fn any_is_erased_in_txn(txn: &Txn, one: &str, other: &str) -> Result<bool, DbErr> {
    let sql = "SELECT 1 AS found FROM erased WHERE subject = $1 OR subject = $2";
    let row = txn
        .query_one_raw(statement(txn, sql, [one.into(), other.into()]))
        .await?;
    Ok(row.is_some())
}

fn statement<const N: usize>(txn: &Txn, sql: &str, values: [sea_orm::Value; N]) -> Statement {
    Statement::from_sql_and_values(txn.get_database_backend(), sql, values)
}
