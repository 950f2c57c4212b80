//! The table `guardian`: where guardians are written to.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "guardian")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub student_id: Uuid,
    /// Sealed.
    pub email: Vec<u8>,
    pub set_by: Uuid,
    pub set_at: DateTimeUtc,
    pub version: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
