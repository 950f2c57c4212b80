//! Everything at once, for services that keep a copy of their own.

use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::{
    block::from_row,
    entity::block::{Column, Entity},
};
use crate::{Error, domain::Block};

/// Blocks whose folded names come after this one, by name.
pub(crate) async fn blocks_after(db: &impl ConnectionTrait, name: &str, limit: u64) -> Result<Vec<Block>, Error> {
    let next = Entity::find().filter(Column::NameFolded.gt(name));
    let rows = next.order_by_asc(Column::NameFolded).limit(limit).all(db).await?;
    rows.into_iter().map(from_row).collect()
}
