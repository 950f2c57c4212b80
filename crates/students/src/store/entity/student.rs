//! The table `student`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "student")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub registration_no: String,
    pub registration_no_folded: String,
    pub email: String,
    pub email_folded: String,
    pub name: String,
    /// Lower case, for sorting.
    pub name_folded: String,
    /// Sealed.
    pub private: Vec<u8>,
    pub year: i16,
    pub semester: i16,
    pub room_id: Option<Uuid>,
    /// Of the room, so that a list of a block needs no join.
    pub block_folded: Option<String>,
    pub state: String,
    pub version: i64,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(
        belongs_to = "super::room::Entity",
        from = "Column::RoomId",
        to = "super::room::Column::Id"
    )]
    Room,
}

impl Related<super::room::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Room.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
