//! The table `decision`: what approvers decided; only added to.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "decision")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub leave_id: Uuid,
    pub step: i16,
    pub verdict: String,
    pub decided_by: Uuid,
    pub role: String,
    /// Sealed.
    pub comments: Option<Vec<u8>>,
    pub without_guardian: bool,
    pub decided_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
