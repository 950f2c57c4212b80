//! Students and those who work in the hostel, as far as grievances need to know them.

use proto::options::Role;
use uuid::Uuid;

/// A copy of a student's record, as the students service last told it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Student {
    pub id: Uuid,
    pub version: i64,
    pub registration_no: String,
    pub name: String,
    /// Where they live; `None` for nowhere.
    pub block: Option<String>,
    pub room_no: Option<String>,
    /// One of the hostel's now.
    pub active: bool,
}

/// A copy of an account that is no student's, or was none once, as the auth service last told it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Person {
    pub id: Uuid,
    pub version: i64,
    pub name: String,
    pub role: Role,
    /// Can sign in now.
    pub active: bool,
}

impl Person {
    /// Whether grievances can be assigned to them.
    pub fn is_active_staff(&self) -> bool {
        self.active && self.role == Role::Staff
    }
}
