//! Movement: when the student of a leave went through the gate.

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

/// When the student of a leave went through the gate. One for a leave and all that extend it: kept with the first of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Movement {
    /// The first leave of the chain.
    pub root_id: Uuid,
    pub departed_at: DateTime<Utc>,
    /// The guard who saw it.
    pub departed_by: Uuid,
    /// The last day of all of the chain that are granted.
    pub out_until: NaiveDate,
    pub returned: Option<Returned>,
}

/// When a student came back.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Returned {
    pub at: DateTime<Utc>,
    /// The guard who saw it.
    pub by: Uuid,
    /// After the last day.
    pub is_late: bool,
}
