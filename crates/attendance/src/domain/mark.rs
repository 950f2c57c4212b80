//! Whether somebody was there, and what says so.

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum MarkStatus {
    Present,
    Absent,
    Excused,
    /// Not known yet: late scans may still come in.
    Pending,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum MarkSource {
    Scan,
    Offline,
    Guard,
    Manual,
    Leave,
    Settlement,
}

/// How a student stands in a roll call.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    pub day: NaiveDate,
    pub session_id: Uuid,
    pub student_id: Uuid,
    pub status: MarkStatus,
    pub source: MarkSource,
    pub scan_id: Option<Uuid>,
    pub scanned_at: Option<DateTime<Utc>>,
    pub distance_meters: Option<f64>,
    pub marked_at: DateTime<Utc>,
}

/// A change of a mark that was not a scan; never overwritten.
#[derive(Clone, Debug, PartialEq)]
pub struct MarkChange {
    pub id: Uuid,
    pub day: NaiveDate,
    pub session_id: Uuid,
    pub student_id: Uuid,
    pub before: Option<MarkStatus>,
    pub after: MarkStatus,
    pub source: MarkSource,
    pub reason: Option<String>,
    pub author: Option<Uuid>,
    pub changed_at: DateTime<Utc>,
}

impl MarkStatus {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Absent => "absent",
            Self::Excused => "excused",
            Self::Pending => "pending",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Present, Self::Absent, Self::Excused, Self::Pending]
            .into_iter()
            .find(|status| status.as_str() == text)
    }
}

impl MarkSource {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scan => "scan",
            Self::Offline => "offline",
            Self::Guard => "guard",
            Self::Manual => "manual",
            Self::Leave => "leave",
            Self::Settlement => "settlement",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [
            Self::Scan,
            Self::Offline,
            Self::Guard,
            Self::Manual,
            Self::Leave,
            Self::Settlement,
        ]
        .into_iter()
        .find(|source| source.as_str() == text)
    }
}
