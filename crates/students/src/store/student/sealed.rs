//! What is sealed of students, for sealing it anew.

use kit::db::Txn;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
    sea_query::{Expr, ExprTrait as _, Func},
};
use uuid::Uuid;

use super::{Column, Entity};

/// How many are sealed otherwise than with this prefix.
pub(crate) async fn count_not_with_prefix(db: &impl ConnectionTrait, prefix: &[u8]) -> Result<u64, DbErr> {
    Entity::find().filter(begins_otherwise(prefix)).count(db).await
}

fn begins_otherwise(prefix: &[u8]) -> Expr {
    let length = i32::try_from(prefix.len()).unwrap_or(i32::MAX);
    let begin = Func::cust("substr").args([Expr::col(Column::Private), Expr::val(1), Expr::val(length)]);
    Expr::from(begin).ne(prefix.to_vec())
}

/// What is sealed otherwise than with this prefix, by id.
pub(crate) async fn not_with_prefix(
    db: &impl ConnectionTrait,
    prefix: &[u8],
    after: Uuid,
    limit: u64,
) -> Result<Vec<(Uuid, Vec<u8>)>, DbErr> {
    Entity::find()
        .select_only()
        .columns([Column::Id, Column::Private])
        .filter(Column::Id.gt(after))
        .filter(begins_otherwise(prefix))
        .order_by_asc(Column::Id)
        .limit(limit)
        .into_tuple()
        .all(db)
        .await
}

/// Puts the same, sealed anew, in place of what is still there.
pub(crate) async fn replace_in_txn(txn: &Txn, id: Uuid, old: Vec<u8>, anew: Vec<u8>) -> Result<u64, DbErr> {
    let changed = Entity::update_many()
        .col_expr(Column::Private, Expr::val(anew))
        .filter(Column::Id.eq(id))
        .filter(Column::Private.eq(old))
        .exec(&**txn)
        .await?;
    Ok(changed.rows_affected)
}
