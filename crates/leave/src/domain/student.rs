//! A student, as far as a leave needs to know them.

use uuid::Uuid;

/// A copy of a student's record, as the students service last told it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Student {
    pub id: Uuid,
    pub version: i64,
    pub registration_no: String,
    pub name: String,
    pub year: u8,
    /// Where they live; `None` for nowhere.
    pub block: Option<String>,
    pub room_no: Option<String>,
    /// One of the hostel's now.
    pub active: bool,
}
