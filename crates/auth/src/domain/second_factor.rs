//! A second factor: what is in use, what waits to be confirmed, and how often somebody may guess.

use chrono::{DateTime, Duration, Utc};
use uuid::Uuid;

use super::{
    recovery_code::RecoveryCode,
    totp::{TotpCode, TotpSecret},
};

/// How many wrong codes a user has in [`WINDOW`], whatever they are for.
pub const MOST_WRONG: usize = 10;
pub const WINDOW: Duration = Duration::minutes(5);

/// The second factor of a user.
#[derive(Clone, Debug, PartialEq)]
pub struct SecondFactor {
    pub user_id: Uuid,
    /// None as long as signing in does not need it.
    pub in_use: Option<InUse>,
    /// Waits for the first code of its app.
    pub new_secret: Option<TotpSecret>,
    pub wrong: WrongCodes,
}

/// A factor that signing in needs.
#[derive(Clone, Debug, PartialEq)]
pub struct InUse {
    pub secret: TotpSecret,
    /// The last time step whose code was used.
    pub last_step: i64,
    pub since: DateTime<Utc>,
}

/// When codes were wrong: the last [`MOST_WRONG`] of them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct WrongCodes(Vec<DateTime<Utc>>);

/// What somebody typed as a proof.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Typed {
    App(TotpCode),
    Recovery(RecoveryCode),
}

impl Typed {
    /// None for what can be neither.
    pub fn parse(text: &str) -> Option<Self> {
        let app = TotpCode::parse(text).map(Self::App);
        app.or_else(|| RecoveryCode::parse(text).map(Self::Recovery))
    }
}

impl SecondFactor {
    /// Of somebody who never had one.
    pub fn none(user_id: Uuid) -> Self {
        Self {
            user_id,
            in_use: None,
            new_secret: None,
            wrong: WrongCodes::default(),
        }
    }

    /// The new secret taken into use by the first code of its app; `None` where the code is not of it.
    pub fn confirm(&self, code: TotpCode, now: DateTime<Utc>) -> Option<Self> {
        let secret = self.new_secret.clone()?;
        let last_step = secret.step_of(code, now, 0)?;
        let in_use = InUse {
            secret,
            last_step,
            since: now,
        };
        Some(Self {
            in_use: Some(in_use),
            new_secret: None,
            ..self.clone()
        })
    }

    /// No factor any more. Wrong codes are remembered: switching off and on again gives no further guesses.
    #[must_use]
    pub fn disable(self) -> Self {
        Self {
            in_use: None,
            new_secret: None,
            ..self
        }
    }
}

impl WrongCodes {
    /// From what is kept, the oldest first.
    pub fn new(at: Vec<DateTime<Utc>>) -> Self {
        Self(at)
    }

    pub fn at(&self) -> &[DateTime<Utc>] {
        &self.0
    }

    /// Whether one more code may be looked at.
    pub fn leave_a_guess(&self, now: DateTime<Utc>) -> bool {
        self.recent(now) < MOST_WRONG
    }

    /// How many there were in the window.
    pub fn recent(&self, now: DateTime<Utc>) -> usize {
        self.0.iter().filter(|at| **at > now - WINDOW).count()
    }

    /// With one more; those past the window are forgotten.
    #[must_use]
    pub fn and_one(&self, now: DateTime<Utc>) -> Self {
        let recent = self.0.iter().copied().filter(|at| *at > now - WINDOW);
        Self(recent.chain([now]).collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn a_new_app_counts_from_its_first_code() {
        let old = TotpSecret::new([1; 20]);
        let new = TotpSecret::new([2; 20]);
        let in_use = InUse {
            secret: old.clone(),
            last_step: i64::MAX,
            since: at(0),
        };
        let waiting = SecondFactor {
            in_use: Some(in_use),
            new_secret: Some(new.clone()),
            ..SecondFactor::none(Uuid::from_u128(1))
        };
        assert!(
            waiting.confirm(old.code(at(9)), at(9)).is_none(),
            "a code of the old app"
        );
        let confirmed = waiting.confirm(new.code(at(9)), at(9)).unwrap();
        let in_use = confirmed.in_use.clone().unwrap();
        assert_eq!((&in_use.secret, in_use.since), (&new, at(9)));
        assert_eq!(
            new.step_of(new.code(at(9)), at(9), in_use.last_step),
            None,
            "it is used"
        );
        assert!(
            confirmed.confirm(new.code(at(9)), at(9)).is_none(),
            "nothing waits any more"
        );
        let off = confirmed.disable();
        assert_eq!((off.in_use, off.new_secret), (None, None));
    }

    #[test]
    fn a_proof_is_one_or_the_other() {
        assert!(matches!(Typed::parse("123456"), Some(Typed::App(_))));
        assert!(matches!(Typed::parse("abcd-efgh-jklm-npqr"), Some(Typed::Recovery(_))));
        assert_eq!(Typed::parse("password"), None);
    }

    proptest! {
        #[test]
        fn nobody_guesses_more_often_than_allowed_in_any_five_minutes(waits in prop::collection::vec(0_i64..120, 0..200)) {
            let (mut wrong, mut now, mut looked_at) = (WrongCodes::default(), at(0), Vec::new());
            for wait in waits {
                now += Duration::seconds(wait);
                if wrong.leave_a_guess(now) {
                    looked_at.push(now);
                    wrong = wrong.and_one(now);
                }
                prop_assert!(wrong.at().len() <= MOST_WRONG);
                let within = looked_at.iter().filter(|one| **one > now - WINDOW).count();
                prop_assert!(within <= MOST_WRONG);
            }
        }
    }
}
