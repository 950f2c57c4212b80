//! The table `ticket`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ticket")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub year: i32,
    pub number: i64,
    pub version: i64,
    pub student_id: Uuid,
    pub block: Option<String>,
    pub room_no: Option<String>,
    pub category: String,
    pub sub_category: Option<String>,
    /// The more urgent, the smaller.
    pub priority: i16,
    #[sea_orm(column_type = "Text")]
    pub description: String,
    /// What lists are searched by.
    pub number_folded: String,
    #[sea_orm(column_type = "Text")]
    pub description_folded: String,
    pub room_no_folded: Option<String>,
    pub sensitive: bool,
    pub status: String,
    pub waiting_since: Option<DateTimeUtc>,
    pub resumes: Option<String>,
    pub resolved_by: Option<Uuid>,
    pub resolved_at: Option<DateTimeUtc>,
    #[sea_orm(column_type = "Text", nullable)]
    pub resolution_comments: Option<String>,
    pub closed_at: Option<DateTimeUtc>,
    pub merged_into: Option<Uuid>,
    pub merged_at: Option<DateTimeUtc>,
    pub assigned_to: Option<Uuid>,
    pub clock_from: DateTimeUtc,
    pub due_at: Option<DateTimeUtc>,
    pub overdue_at: Option<DateTimeUtc>,
    pub escalation: i16,
    pub escalated_at: Option<DateTimeUtc>,
    pub first_response_at: Option<DateTimeUtc>,
    pub rating: Option<i16>,
    #[sea_orm(column_type = "Text", nullable)]
    pub rating_comment: Option<String>,
    pub rated_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
