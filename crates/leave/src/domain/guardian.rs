//! What a guardian says of a leave.

use chrono::{DateTime, Utc};
use kit::contact::Email;
use uuid::Uuid;

/// What a guardian says of a leave, and since when.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Guardian {
    pub state: GuardianState,
    /// When they were asked, or answered; `None` where nobody asks them.
    pub at: Option<DateTime<Utc>>,
}

/// How a guardian's word stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum GuardianState {
    /// Nobody asks them.
    None,
    /// They did not answer yet.
    Asked,
    Approved,
    Refused,
}

/// Where a student's guardian is written to.
#[derive(Clone, Debug, PartialEq)]
pub struct GuardianAddress {
    pub student_id: Uuid,
    pub version: i64,
    pub email: Email,
    /// Never the student.
    pub set_by: Uuid,
    pub set_at: DateTime<Utc>,
}

/// What a guardian was last asked, by a letter with a link.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Question {
    /// `None` where the letter was taken back before it was sent.
    pub letter: Option<LetterStanding>,
    /// Until when its link is good.
    pub link_expires_at: DateTime<Utc>,
}

/// How a letter stands, and since when.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LetterStanding {
    pub state: LetterState,
    /// When it was written, sent or given up.
    pub at: DateTime<Utc>,
}

/// How a letter stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LetterState {
    /// It is tried.
    Waiting,
    /// The mail server has it.
    Sent,
    /// It never left, and is not tried any more.
    Failed,
}

/// Why a link of a letter leads nowhere.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LinkRefusal {
    Unknown,
    Used,
    Expired,
}

impl Guardian {
    /// Nobody asks.
    pub const NONE: Self = Self {
        state: GuardianState::None,
        at: None,
    };

    /// Asked now.
    pub fn asked(at: DateTime<Utc>) -> Self {
        Self {
            state: GuardianState::Asked,
            at: Some(at),
        }
    }

    /// Whether a leave may be granted without passing them over.
    pub fn allows(self) -> bool {
        matches!(self.state, GuardianState::None | GuardianState::Approved)
    }
}

impl GuardianState {
    pub const ALL: [Self; 4] = [Self::None, Self::Asked, Self::Approved, Self::Refused];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Asked => "asked",
            Self::Approved => "approved",
            Self::Refused => "refused",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }
}
