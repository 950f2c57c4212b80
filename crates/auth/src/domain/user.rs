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
    /// For good, and nothing tells who it was.
    Erased,
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
    pub role: Option<Role>,
}

/// Why an account is not changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refusal {
    #[error("nobody manages a role above their own")]
    AboveOwnRole,
    #[error("nobody gives out a role above their own")]
    RoleAboveOwn,
    #[error("nobody deactivates their own account")]
    OwnAccount,
    #[error("nobody changes their own role")]
    OwnRole,
    #[error("an erased account stays as it is")]
    Erased,
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
        if self.state == State::Erased {
            return Err(Refusal::Erased);
        }
        if change.state == Some(State::Deactivated) && manager.id == self.id {
            return Err(Refusal::OwnAccount);
        }
        if let Some(role) = change.role {
            if !may_manage(manager.role, role) {
                return Err(Refusal::RoleAboveOwn);
            }
            if manager.id == self.id && role != self.role {
                return Err(Refusal::OwnRole);
            }
        }
        let name = change.name.unwrap_or_else(|| self.name.clone());
        let state = change.state.unwrap_or(self.state);
        let role = change.role.unwrap_or(self.role);
        if name == self.name && state == self.state && role == self.role {
            return Ok(self);
        }
        Ok(Self {
            name,
            state,
            role,
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
            ..Change::default()
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
            ..Change::default()
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

    #[test]
    fn an_erased_account_stays_as_it_is() {
        let erased = User {
            state: State::Erased,
            ..user(Role::Student)
        };
        let back = Change {
            state: Some(State::Active),
            ..Change::default()
        };
        let now = erased.created_at;
        assert_eq!(erased.change(back, manager(Role::Admin), now), Err(Refusal::Erased));
    }

    #[test]
    fn roles() {
        let now = user(Role::Admin).created_at;
        let to = |role| Change {
            role: Some(role),
            ..Change::default()
        };
        let changed = user(Role::Guard)
            .change(to(Role::Warden), manager(Role::Admin), now)
            .unwrap();
        assert_eq!((changed.role, changed.version), (Role::Warden, 4));
        let same = user(Role::Guard)
            .change(to(Role::Guard), manager(Role::Admin), now)
            .unwrap();
        assert_eq!(same, user(Role::Guard));
        let above = user(Role::Guard).change(to(Role::Admin), manager(Role::Warden), now);
        assert_eq!(above, Err(Refusal::RoleAboveOwn));
        let myself = Manager {
            id: Uuid::from_u128(7),
            role: Role::Admin,
        };
        let own = user(Role::Admin).change(to(Role::Guard), myself, now);
        assert_eq!(own, Err(Refusal::OwnRole));
    }
}
