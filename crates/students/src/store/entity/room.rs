//! The table `room`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "room")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub block_id: Uuid,
    /// The block's name, which never changes.
    pub block: String,
    pub room_no: String,
    /// The form that is unique in the block.
    pub room_no_folded: String,
    pub floor: i32,
    pub capacity: i32,
    pub occupied: i32,
    pub version: i64,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
