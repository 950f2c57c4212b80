//! Refresh tokens: each is good for one exchange, its successor can be given again, a copy is found out.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Duration, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

/// For so long a spent token gets its successor again: answers are lost, pages live in two tabs.
pub const GRACE: Duration = Duration::seconds(10);

/// A spent token that is shown again.
#[derive(Clone, Copy, Debug)]
pub struct Spent {
    pub at: DateTime<Utc>,
    /// Somebody went on with the successor, so its answer was not lost.
    pub successor_was_used: bool,
    pub session: Session,
}

/// How the session of a token stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Session {
    Alive,
    /// It ended because a copy of a token was found out.
    EndedByReuse,
    Over,
}

/// What becomes of a spent token that is shown again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// The same successor, once more.
    Again,
    /// Two people have this token: the session ends.
    Copied,
    /// The session is over anyway.
    Over,
}

impl Spent {
    pub fn judge(self, now: DateTime<Utc>) -> Verdict {
        let lost_answer = now - self.at <= GRACE && !self.successor_was_used;
        match (self.session, lost_answer) {
            (Session::Alive, true) => Verdict::Again,
            (Session::Alive | Session::EndedByReuse, false) => Verdict::Copied,
            (Session::EndedByReuse, true) | (Session::Over, _) => Verdict::Over,
        }
    }
}

/// The hash under which a token is kept: 256 random bits need no slow one.
pub fn hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

/// The token that follows `token`. Who has both the token and the salt, which only the database keeps, can make it again;
/// either alone says nothing of it.
pub fn successor(token: &str, salt: &str) -> String {
    let keyed = Hmac::<Sha256>::new_from_slice(salt.as_bytes()).map(|mac| mac.chain_update(token.as_bytes()));
    // A key of any length is taken.
    let code = keyed.expect("HMAC takes keys of any length").finalize().into_bytes();
    URL_SAFE_NO_PAD.encode(code)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_successor_can_be_made_again_by_token_and_salt_only() {
        let next = successor("token", "salt");
        assert_eq!(next, successor("token", "salt"));
        assert_eq!(next.len(), 43);
        assert_ne!(next, successor("token", "other"));
        assert_ne!(next, successor("other", "salt"));
    }

    /// A session and its tokens, oldest first, as the store keeps them: by number, with when they were spent.
    #[derive(Debug)]
    struct Family {
        spent: Vec<Option<DateTime<Utc>>>,
        session: Session,
    }

    #[derive(Debug, Eq, PartialEq)]
    enum Answer {
        /// The number of the token that was given out.
        Token(usize),
        Copied,
        Over,
    }

    impl Family {
        fn show(&mut self, token: usize, now: DateTime<Utc>) -> Answer {
            let Some(at) = self.spent[token] else {
                if self.session != Session::Alive {
                    return Answer::Over;
                }
                self.spent[token] = Some(now);
                self.spent.push(None);
                return Answer::Token(token + 1);
            };
            let spent = Spent {
                at,
                successor_was_used: self.spent[token + 1].is_some(),
                session: self.session,
            };
            match spent.judge(now) {
                Verdict::Again => Answer::Token(token + 1),
                Verdict::Copied => {
                    self.session = Session::EndedByReuse;
                    Answer::Copied
                }
                Verdict::Over => Answer::Over,
            }
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        /// Shows the token that many generations back.
        Show(usize),
        Wait(i64),
        SignOut,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            6 => (0..4_usize).prop_map(Step::Show),
            3 => (1..15_i64).prop_map(Step::Wait),
            1 => Just(Step::SignOut),
        ]
    }

    proptest! {
        #[test]
        fn a_family_has_one_head_and_never_lives_again(steps in prop::collection::vec(step(), 1..60)) {
            let mut now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
            let mut family = Family { spent: vec![None], session: Session::Alive };
            for step in steps {
                let before = family.session;
                match step {
                    Step::Wait(seconds) => now += Duration::seconds(seconds),
                    Step::SignOut => if family.session == Session::Alive { family.session = Session::Over },
                    Step::Show(back) => {
                        let newest = family.spent.len() - 1;
                        let token = newest.saturating_sub(back);
                        let spent_at = family.spent[token];
                        let answer = family.show(token, now);
                        if let Answer::Token(given) = answer {
                            prop_assert_eq!(before, Session::Alive, "a dead session gave out a token");
                            prop_assert!(family.spent[given].is_none(), "a spent token was given out");
                        }
                        if before == Session::Alive && token == newest {
                            prop_assert_eq!(&answer, &Answer::Token(token + 1), "the newest token was refused");
                        }
                        // The end of every thief: older than the grace, or overtaken.
                        let stale = spent_at.is_some_and(|at| now - at > GRACE) || newest.saturating_sub(token) > 1;
                        if before == Session::Alive && stale && token != newest {
                            prop_assert_eq!(&answer, &Answer::Copied);
                            prop_assert_eq!(family.session, Session::EndedByReuse);
                        }
                    }
                }
                prop_assert!(before == Session::Alive || family.session == before, "a session that ended changed");
                let heads = family.spent.iter().filter(|spent| spent.is_none()).count();
                prop_assert_eq!(heads, 1);
            }
        }
    }
}
