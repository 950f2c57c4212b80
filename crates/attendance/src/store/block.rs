//! The copies of blocks' records.

use kit::db::Txn;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, ExprTrait as _, QueryFilter as _,
    sea_query::{Alias, Expr, OnConflict, SimpleExpr},
};
use uuid::Uuid;

use super::entity::block::{ActiveModel, Column, Entity};
use crate::domain::{Block, folded};

/// Keeps records, unless newer ones are there. A block that came to be later has a later id, whatever its version.
pub(crate) async fn keep_in_txn(txn: &Txn, blocks: &[Block]) -> Result<(), DbErr> {
    if blocks.is_empty() {
        return Ok(());
    }
    let rows = blocks.iter().map(|block| ActiveModel {
        name_folded: Set(folded(&block.name)),
        id: Set(block.id),
        version: Set(block.version),
        name: Set(block.name.clone()),
        latitude: Set(block.location.map(|(latitude, _)| latitude)),
        longitude: Set(block.location.map(|(_, longitude)| longitude)),
        removed: Set(block.removed),
    });
    let told = |column| Expr::col((Alias::new("excluded"), column));
    let known = |column| Expr::col((Entity, column));
    let is_later_version: SimpleExpr = known(Column::Id)
        .eq(told(Column::Id))
        .and(known(Column::Version).lt(told(Column::Version)));
    let is_newer = known(Column::Id).lt(told(Column::Id)).or(is_later_version);
    let mut newer = OnConflict::column(Column::NameFolded);
    newer
        .update_columns([
            Column::Id,
            Column::Version,
            Column::Name,
            Column::Latitude,
            Column::Longitude,
            Column::Removed,
        ])
        .action_and_where(is_newer);
    Entity::insert_many(rows)
        .on_conflict(newer)
        .exec_without_returning(&**txn)
        .await?;
    Ok(())
}

/// The blocks that are not removed, by id and version.
pub(crate) async fn standing(db: &impl ConnectionTrait) -> Result<Vec<Block>, DbErr> {
    let rows = Entity::find().filter(Column::Removed.eq(false)).all(db).await?;
    let block = |row: super::entity::block::Model| Block {
        id: row.id,
        version: row.version,
        name: row.name,
        location: row.latitude.zip(row.longitude),
        removed: row.removed,
    };
    Ok(rows.into_iter().map(block).collect())
}

/// Notes that blocks are gone which nobody told of any more, as far as nothing newer was heard of them.
pub(crate) async fn gone_in_txn(txn: &Txn, blocks: &[(Uuid, i64)]) -> Result<(), DbErr> {
    for (id, version) in blocks {
        Entity::update_many()
            .col_expr(Column::Removed, Expr::val(true))
            .filter(Column::Id.eq(*id))
            .filter(Column::Version.eq(*version))
            .exec(&**txn)
            .await?;
    }
    Ok(())
}
