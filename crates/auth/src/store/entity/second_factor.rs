//! The table `second_factor`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "second_factor")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
    pub secret: Option<String>,
    pub last_step: i64,
    pub new_secret: Option<String>,
    pub confirmed_at: Option<DateTimeUtc>,
    #[sea_orm(column_type = "Text")]
    pub wrong_codes: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
