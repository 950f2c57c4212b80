//! The table `movement`: who went through the gate, one row a chain of leaves.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "movement")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub root_id: Uuid,
    pub student_id: Uuid,
    pub departed_at: DateTimeUtc,
    pub departed_by: Uuid,
    /// The last day of all of the chain that are granted.
    pub out_until: Date,
    pub returned_at: Option<DateTimeUtc>,
    pub returned_by: Option<Uuid>,
    pub is_late: bool,
    pub overdue_told_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
