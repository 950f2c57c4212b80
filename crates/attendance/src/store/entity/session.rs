//! The table `session`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "session")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub handle: Vec<u8>,
    pub block: String,
    pub block_folded: String,
    pub year: i16,
    pub day: Date,
    pub valid_from: DateTimeUtc,
    pub valid_until: DateTimeUtc,
    pub rotate_seconds: i32,
    pub radius_meters: f64,
    /// The factors, as a JSON list.
    pub require: String,
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    pub accuracy_meters: Option<f64>,
    pub opened_by: Uuid,
    pub closed_at: Option<DateTimeUtc>,
    pub closed_by: Option<String>,
    pub settles_at: Option<DateTimeUtc>,
    pub settled_at: Option<DateTimeUtc>,
    pub version: i64,
    /// Other replicas look for what changed lately.
    pub changed_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
