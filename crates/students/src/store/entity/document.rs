//! The table `document`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "document")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub student_id: Uuid,
    pub doc_type: String,
    pub file_name: String,
    pub content_type: String,
    pub size: i64,
    pub sha256: String,
    pub file_key: String,
    pub thumbnail_key: Option<String>,
    pub thumbnail_size: Option<i64>,
    pub thumbnail_sha256: Option<String>,
    pub added_by: Option<Uuid>,
    pub created_at: DateTimeUtc,
    /// Since when the file store has no object for it.
    pub missing_since: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
