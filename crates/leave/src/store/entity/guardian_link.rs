//! The table `guardian_link`: one-time links to guardians, and the letters with them.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "guardian_link")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub leave_id: Uuid,
    pub student_id: Uuid,
    pub token_hash: String,
    /// Sealed; gone once it is sent.
    pub letter: Option<Vec<u8>>,
    pub created_at: DateTimeUtc,
    pub expires_at: DateTimeUtc,
    pub used_at: Option<DateTimeUtc>,
    pub sent_at: Option<DateTimeUtc>,
    pub tries: i32,
    pub not_before: DateTimeUtc,
    /// When its letter was given up.
    pub failed_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
