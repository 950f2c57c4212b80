//! A ticket: what is wrong, how urgent it is, how it stands.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{State, TicketNumber};

/// A grievance.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ticket {
    pub id: Uuid,
    pub number: TicketNumber,
    /// How many events were told of it.
    pub version: i64,
    pub student_id: Uuid,
    /// Where the student lived when they raised it.
    pub place: Option<Place>,
    pub category: String,
    pub sub_category: Option<String>,
    pub priority: Priority,
    pub description: String,
    pub sensitive: bool,
    pub state: State,
    pub assigned_to: Option<Uuid>,
    pub timing: Timing,
    pub rating: Option<Rating>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A room.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Place {
    pub block: String,
    pub room_no: String,
}

/// What is known of a ticket's time.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Timing {
    /// When it was raised, or last reopened: its time runs from here.
    pub clock_from: DateTime<Utc>,
    /// `None` while its time stands still, and when it has ended.
    pub due_at: Option<DateTime<Utc>>,
    /// When it was told that it is overdue.
    pub overdue_at: Option<DateTime<Utc>>,
    /// How many steps of the configured chain were told after the first.
    pub escalation: u8,
    pub escalated_at: Option<DateTime<Utc>>,
    /// When the hostel first said or did something.
    pub first_response_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Priority {
    High,
    Medium,
    Low,
}

/// How a ticket stands, without what goes with it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Status {
    Open,
    InProgress,
    Waiting,
    Resolved,
    Closed,
    Merged,
}

/// What the student says of how it was resolved.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rating {
    /// From 1 to 5.
    pub stars: u8,
    pub comment: Option<String>,
    pub at: DateTime<Utc>,
}

impl Ticket {
    pub fn status(&self) -> Status {
        self.state.status()
    }

    pub fn is_overdue(&self, now: DateTime<Utc>) -> bool {
        self.state.is_running() && self.timing.due_at.is_some_and(|due| now > due)
    }
}

impl Priority {
    pub const ALL: [Self; 3] = [Self::High, Self::Medium, Self::Low];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|priority| priority.as_str() == text)
    }

    /// The more urgent, the smaller: what lists are sorted by.
    pub const fn rank(self) -> i16 {
        match self {
            Self::High => 1,
            Self::Medium => 2,
            Self::Low => 3,
        }
    }

    pub fn of_rank(rank: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|priority| priority.rank() == rank)
    }
}

impl Status {
    pub const ALL: [Self; 6] = [
        Self::Open,
        Self::InProgress,
        Self::Waiting,
        Self::Resolved,
        Self::Closed,
        Self::Merged,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::InProgress => "in_progress",
            Self::Waiting => "waiting",
            Self::Resolved => "resolved",
            Self::Closed => "closed",
            Self::Merged => "merged",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}
