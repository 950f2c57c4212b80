//! A student, as far as a roll call needs to know them.

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
    pub block_folded: Option<String>,
    pub room_no: Option<String>,
    /// One of the hostel's now.
    pub active: bool,
}

impl Student {
    /// Whether a roll call of this block and year is theirs.
    pub fn belongs_to(&self, block_folded: &str, year: u8) -> bool {
        self.active && self.year == year && self.block_folded.as_deref() == Some(block_folded)
    }
}
