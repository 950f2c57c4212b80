//! An account and what can become of it.

use chrono::{DateTime, Utc};
use proto::options::Role;
use uuid::Uuid;

use super::{Email, PersonName, RegistrationNumber, role::may_manage};

/// An account.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    pub id: Uuid,
    pub email: Email,
    pub name: PersonName,
    pub role: Role,
    pub registration_no: Option<RegistrationNumber>,
    pub state: State,
    /// Grows by one with each change.
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub last_login_at: Option<DateTime<Utc>>,
}

/// Whether the user can sign in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    Active,
    Deactivated,
}

/// Who wants to change an account.
#[derive(Clone, Copy, Debug)]
pub struct Manager {
    pub id: Uuid,
    pub role: Role,
}

/// What a manager wants to change; what is `None` stays.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Change {
    pub name: Option<PersonName>,
    pub state: Option<State>,
}

/// Why an account is not changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refusal {
    #[error("nobody manages a role above their own")]
    AboveOwnRole,
    #[error("nobody deactivates their own account")]
    OwnAccount,
}

impl User {
    pub fn is_active(&self) -> bool {
        self.state == State::Active
    }

    /// The account after a change by `manager`; the same account when the change changes nothing.
    pub fn change(self, change: Change, manager: Manager, now: DateTime<Utc>) -> Result<Self, Refusal> {
        if !may_manage(manager.role, self.role) {
            return Err(Refusal::AboveOwnRole);
        }
        if change.state == Some(State::Deactivated) && manager.id == self.id {
            return Err(Refusal::OwnAccount);
        }
        let name = change.name.unwrap_or_else(|| self.name.clone());
        let state = change.state.unwrap_or(self.state);
        if name == self.name && state == self.state {
            return Ok(self);
        }
        Ok(Self {
            name,
            state,
            version: self.version + 1,
            updated_at: now,
            ..self
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(role: Role) -> User {
        let at = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        User {
            id: Uuid::from_u128(7),
            email: Email::parse("a@b.example").unwrap(),
            name: PersonName::parse("Asha").unwrap(),
            role,
            registration_no: None,
            state: State::Active,
            version: 3,
            created_at: at,
            updated_at: at,
            last_login_at: None,
        }
    }

    fn manager(role: Role) -> Manager {
        Manager {
            id: Uuid::from_u128(1),
            role,
        }
    }

    #[test]
    fn a_change_counts_once_and_nothing_changed_counts_not() {
        let later = DateTime::from_timestamp(1_790_000_100, 0).unwrap();
        let change = Change {
            state: Some(State::Deactivated),
            name: None,
        };
        let gone = user(Role::Guard)
            .change(change.clone(), manager(Role::Warden), later)
            .unwrap();
        assert_eq!(
            (gone.state, gone.version, gone.updated_at),
            (State::Deactivated, 4, later)
        );
        let again = gone.clone().change(change, manager(Role::Warden), later).unwrap();
        assert_eq!(again, gone);
    }

    #[test]
    fn refusals() {
        let now = user(Role::Admin).created_at;
        let change = Change {
            state: Some(State::Deactivated),
            name: None,
        };
        let above = user(Role::Admin).change(change.clone(), manager(Role::Warden), now);
        assert_eq!(above, Err(Refusal::AboveOwnRole));
        let own = user(Role::Admin).change(
            change,
            Manager {
                id: Uuid::from_u128(7),
                role: Role::Admin,
            },
            now,
        );
        assert_eq!(own, Err(Refusal::OwnAccount));
    }
}
