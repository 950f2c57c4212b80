//! The table `user_account`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "user_account")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub email: String,
    /// The form that is unique.
    pub email_folded: String,
    pub name: String,
    /// Lower case, for searching.
    pub name_folded: String,
    pub role: String,
    pub registration_no: Option<String>,
    pub registration_no_folded: Option<String>,
    /// `None` until an invitation is taken up.
    pub password_hash: Option<String>,
    pub is_active: bool,
    pub version: i64,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub last_login_at: Option<DateTimeUtc>,
    /// How many sign-ins failed since one went well.
    pub failures: i32,
    pub locked_until: Option<DateTimeUtc>,
    pub password_changed_at: Option<DateTimeUtc>,
    /// How many one-time codes were guessed wrongly since `wrong_codes_since`.
    pub wrong_codes: i32,
    pub wrong_codes_since: Option<DateTimeUtc>,
    /// Since when it is kept for a record to come; it is nobody's account until then.
    pub reserved_at: Option<DateTimeUtc>,
    /// The version of the record that it agreed with last.
    pub record_version: Option<i64>,
    /// It was given an address or number for the next version of its record, which may never come.
    pub is_ahead: bool,
    /// Since when nothing tells who it was.
    pub erased_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
