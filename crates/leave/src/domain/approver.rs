//! Who has to approve a leave.

use proto::options::Role;
use serde::{Deserialize, Serialize};

/// So many steps a chain has at most.
pub const LONGEST_CHAIN: usize = 4;

/// A role whose word a leave needs.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Approver {
    Warden,
    Admin,
}

impl Approver {
    pub const ALL: [Self; 2] = [Self::Warden, Self::Admin];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warden => "warden",
            Self::Admin => "admin",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }

    /// Who may give that word: an administrator stands in for a warden.
    pub fn is_given_by(self, role: Role) -> bool {
        match self {
            Self::Warden => matches!(role, Role::Warden | Role::Admin),
            Self::Admin => role == Role::Admin,
        }
    }

    /// A chain as it is stored.
    pub fn join(chain: &[Self]) -> String {
        chain.iter().map(|one| one.as_str()).collect::<Vec<_>>().join(",")
    }

    /// A chain as it was stored; `None` for what is none.
    pub fn split(text: &str) -> Option<Vec<Self>> {
        text.split(',').map(Self::parse).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_read_as_it_is_written() {
        let chain = vec![Approver::Warden, Approver::Admin, Approver::Warden];
        assert_eq!(Approver::split(&Approver::join(&chain)), Some(chain));
        assert_eq!(Approver::split("warden,guard"), None);
        assert_eq!(Approver::split(""), None);
    }

    #[test]
    fn an_administrator_stands_in_for_a_warden_and_nobody_else_for_anybody() {
        assert!(Approver::Warden.is_given_by(Role::Warden) && Approver::Warden.is_given_by(Role::Admin));
        assert!(Approver::Admin.is_given_by(Role::Admin) && !Approver::Admin.is_given_by(Role::Warden));
        for role in [Role::Student, Role::Guard, Role::Staff, Role::Teacher] {
            assert!(!Approver::ALL.iter().any(|one| one.is_given_by(role)));
        }
    }
}
