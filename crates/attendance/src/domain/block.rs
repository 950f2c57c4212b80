//! A block, as far as a roll call needs to know it.

use uuid::Uuid;

/// A copy of a block's record, as the students service last told it.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// A block that is removed and comes to be again is another one.
    pub id: Uuid,
    pub version: i64,
    pub name: String,
    /// Latitude and longitude, where somebody said.
    pub location: Option<(f64, f64)>,
    pub removed: bool,
}
