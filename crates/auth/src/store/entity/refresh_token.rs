//! The table `refresh_token`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "refresh_token")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    /// SHA-256 of the token; the token itself is nowhere.
    pub hash: String,
    pub session_id: Uuid,
    pub issued_at: DateTimeUtc,
    pub spent_at: Option<DateTimeUtc>,
    /// With the token itself it leads to the successor, so that a lost answer can be given again.
    pub successor_salt: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
