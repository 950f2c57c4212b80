//! The table `one_time_code`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "one_time_code")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
    pub purpose: String,
    pub salt: String,
    pub hash: String,
    pub tries_left: i32,
    pub created_at: DateTimeUtc,
    pub expires_at: DateTimeUtc,
    /// How many codes were sent since `sent_since`.
    pub sent: i32,
    pub sent_since: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
