//! The table `leave`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "leave")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub version: i64,
    pub student_id: Uuid,
    pub leave_type: String,
    pub from_date: Date,
    pub to_date: Date,
    pub asked_to: Date,
    /// Sealed.
    pub details: Vec<u8>,
    pub retroactive: bool,
    pub extends: Option<Uuid>,
    pub root_id: Uuid,
    pub chain: String,
    pub state: String,
    /// Where a leave that waits stands in its chain; 0 otherwise.
    pub step: i16,
    pub decided_by: Option<Uuid>,
    pub decided_at: Option<DateTimeUtc>,
    pub cancelled_by: Option<Uuid>,
    pub cancelled_at: Option<DateTimeUtc>,
    pub guardian_state: String,
    pub guardian_at: Option<DateTimeUtc>,
    pub document_required: bool,
    pub asked_at: DateTimeUtc,
    pub changed_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// The copy of the student's record, where there is one: no key of the database says so.
    #[sea_orm(
        belongs_to = "super::student::Entity",
        from = "Column::StudentId",
        to = "super::student::Column::Id"
    )]
    Student,
}

impl ActiveModelBehavior for ActiveModel {}
