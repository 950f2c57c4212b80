//! The table `mark`: how each student stands in each roll call now.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "mark")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub day: Date,
    #[sea_orm(primary_key, auto_increment = false)]
    pub session_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub student_id: Uuid,
    pub status: String,
    pub source: String,
    pub scan_id: Option<Uuid>,
    pub scanned_at: Option<DateTimeUtc>,
    pub distance_meters: Option<f64>,
    /// What tells the very token that was scanned from others.
    pub token: Option<Vec<u8>>,
    pub marked_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
