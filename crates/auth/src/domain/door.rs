//! Who is kept out although the name is right: locked accounts, passwords past their time.

use chrono::{DateTime, Duration, Utc};
use proto::options::Role;

/// Why a sign-in was refused. The person at the door hears the same for all of them; the record does not.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refused {
    /// Nobody is known by that name, or the password is wrong, at the door or where somebody who is signed in proves it.
    Password,
    SecondFactor,
    /// A one-time code.
    Code,
    /// The right password, from an unknown device, while the account is locked.
    Locked,
    Deactivated,
}

impl Refused {
    pub fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::SecondFactor => "second_factor",
            Self::Code => "code",
            Self::Locked => "locked",
            Self::Deactivated => "deactivated",
        }
    }
}

/// When an account is locked, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct LockRule {
    /// So many failures in a row; 0 for never.
    pub after: u32,
    pub lasts: Duration,
}

impl LockRule {
    /// Until when an account is to be locked after one more failure; nothing while a lock holds, so that a lock is one
    /// lock however many failures follow.
    pub fn after_failure(
        self,
        failures: u32,
        locked_until: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let due = self.after > 0 && failures >= self.after && !is_locked(locked_until, now);
        due.then(|| now + self.lasts)
    }
}

pub fn is_locked(locked_until: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    locked_until.is_some_and(|until| until > now)
}

/// Whether a password must be set anew before it opens anything: a warden's, once it is older than so many days.
pub fn is_past_its_time(
    role: Role,
    changed_at: Option<DateTime<Utc>>,
    warden_days: Option<u32>,
    now: DateTime<Utc>,
) -> bool {
    let (Role::Warden, Some(days), Some(changed_at)) = (role, warden_days, changed_at) else {
        return false;
    };
    now - changed_at > Duration::days(days.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000 + minutes * 60, 0).unwrap()
    }

    #[test]
    fn a_lock_comes_once_and_again_when_it_is_over() {
        let rule = LockRule {
            after: 3,
            lasts: Duration::minutes(15),
        };
        assert_eq!(rule.after_failure(2, None, at(0)), None);
        assert_eq!(rule.after_failure(3, None, at(0)), Some(at(15)));
        assert_eq!(rule.after_failure(4, Some(at(15)), at(14)), None);
        assert_eq!(rule.after_failure(5, Some(at(15)), at(15)), Some(at(30)));
        let never = LockRule { after: 0, ..rule };
        assert_eq!(never.after_failure(1_000_000, None, at(0)), None);
    }

    #[test]
    fn only_a_wardens_password_ages_and_only_where_wanted() {
        let day = 24 * 60;
        let old = Some(at(0));
        assert!(is_past_its_time(Role::Warden, old, Some(90), at(91 * day)));
        assert!(!is_past_its_time(Role::Warden, old, Some(90), at(90 * day)));
        assert!(!is_past_its_time(Role::Warden, old, None, at(900 * day)));
        assert!(!is_past_its_time(Role::Admin, old, Some(90), at(900 * day)));
    }
}
