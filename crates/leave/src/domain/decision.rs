//! What an approver decided, as it is remembered.

use chrono::{DateTime, Utc};
use proto::options::Role;
use uuid::Uuid;

use super::Decided;

/// What an approver decided at one step of the chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    pub id: Uuid,
    pub leave_id: Uuid,
    /// From 0.
    pub step: usize,
    pub verdict: Verdict,
    pub by: Uuid,
    pub role: Role,
    /// Sealed where it is kept.
    pub comments: Option<String>,
    /// They did not wait for the guardian.
    pub without_guardian: bool,
    pub at: DateTime<Utc>,
}

impl Decision {
    /// Who it was, and when.
    pub fn decided(&self) -> Decided {
        Decided {
            by: self.by,
            at: self.at,
        }
    }
}

/// Yes or no.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    Approved,
    Rejected,
}

impl Verdict {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Rejected => "rejected",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Approved, Self::Rejected]
            .into_iter()
            .find(|known| known.as_str() == text)
    }
}
