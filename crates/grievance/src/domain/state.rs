//! The life of a ticket: which state follows which.

use chrono::{DateTime, Duration, Utc};
use uuid::Uuid;

use super::Status;

/// How a ticket stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum State {
    /// Nobody has begun; somebody may be assigned already.
    Open,
    InProgress,
    /// The student was asked something.
    Waiting {
        since: DateTime<Utc>,
        /// How it stands once they have answered.
        resumes: Work,
    },
    Resolved(Resolution),
    /// It was resolved, and can be reopened no longer.
    Closed {
        resolution: Resolution,
        at: DateTime<Utc>,
    },
    /// The same as another one.
    Merged {
        into: Uuid,
        at: DateTime<Utc>,
    },
}

/// How far the work on a ticket is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Work {
    Open,
    InProgress,
}

/// How a ticket was resolved.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Resolution {
    pub by: Uuid,
    pub at: DateTime<Utc>,
    /// What was done, where somebody said.
    pub comments: Option<String>,
}

/// Why a ticket cannot go on so.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// It stands otherwise than that would need.
    Stands,
    /// It could be reopened until then.
    TooLate(DateTime<Utc>),
}

impl State {
    /// Somebody begins, or goes on without an answer of the student.
    pub fn begin(self) -> Result<Self, Refusal> {
        match self {
            Self::Open | Self::InProgress | Self::Waiting { .. } => Ok(Self::InProgress),
            Self::Resolved(_) | Self::Closed { .. } | Self::Merged { .. } => Err(Refusal::Stands),
        }
    }

    /// Nobody works on it any more.
    pub fn put_back(self) -> Result<Self, Refusal> {
        match self {
            Self::Open | Self::InProgress | Self::Waiting { .. } => Ok(Self::Open),
            Self::Resolved(_) | Self::Closed { .. } | Self::Merged { .. } => Err(Refusal::Stands),
        }
    }

    /// The student is asked something; asking again changes nothing.
    pub fn ask(self, now: DateTime<Utc>) -> Result<Self, Refusal> {
        let since = now;
        match self {
            Self::Open => Ok(Self::Waiting {
                since,
                resumes: Work::Open,
            }),
            Self::InProgress => Ok(Self::Waiting {
                since,
                resumes: Work::InProgress,
            }),
            Self::Waiting { .. } => Ok(self),
            Self::Resolved(_) | Self::Closed { .. } | Self::Merged { .. } => Err(Refusal::Stands),
        }
    }

    /// The student says something; where nothing was asked, that changes nothing.
    #[must_use]
    pub fn answer(self) -> Self {
        match self {
            Self::Waiting {
                resumes: Work::Open, ..
            } => Self::Open,
            Self::Waiting {
                resumes: Work::InProgress,
                ..
            } => Self::InProgress,
            other => other,
        }
    }

    pub fn resolve(self, resolution: Resolution) -> Result<Self, Refusal> {
        match self {
            Self::Open | Self::InProgress | Self::Waiting { .. } => Ok(Self::Resolved(resolution)),
            Self::Resolved(_) | Self::Closed { .. } | Self::Merged { .. } => Err(Refusal::Stands),
        }
    }

    /// Until when it can be reopened.
    pub fn reopen_until(&self, within: Duration) -> Option<DateTime<Utc>> {
        match self {
            Self::Resolved(resolution) => Some(resolution.at + within),
            _ => None,
        }
    }

    /// The student is not content.
    pub fn reopen(self, now: DateTime<Utc>, within: Duration) -> Result<Self, Refusal> {
        match self {
            Self::Resolved(resolution) | Self::Closed { resolution, .. } if now > resolution.at + within => {
                Err(Refusal::TooLate(resolution.at + within))
            }
            Self::Resolved(_) => Ok(Self::Open),
            Self::Closed { resolution, .. } => Err(Refusal::TooLate(resolution.at + within)),
            Self::Open | Self::InProgress | Self::Waiting { .. } | Self::Merged { .. } => Err(Refusal::Stands),
        }
    }

    /// The time to reopen it is over.
    pub fn close(self, now: DateTime<Utc>, within: Duration) -> Result<Self, Refusal> {
        match self {
            Self::Resolved(resolution) if now > resolution.at + within => Ok(Self::Closed { resolution, at: now }),
            _ => Err(Refusal::Stands),
        }
    }

    /// It is the same as another one.
    pub fn merge(self, into: Uuid, now: DateTime<Utc>) -> Result<Self, Refusal> {
        match self {
            Self::Open | Self::InProgress | Self::Waiting { .. } => Ok(Self::Merged { into, at: now }),
            Self::Resolved(_) | Self::Closed { .. } | Self::Merged { .. } => Err(Refusal::Stands),
        }
    }

    /// The one that it was merged into was itself merged into this one.
    pub fn follow(self, into: Uuid) -> Result<Self, Refusal> {
        match self {
            Self::Merged { at, .. } => Ok(Self::Merged { into, at }),
            _ => Err(Refusal::Stands),
        }
    }

    /// Whether people still talk about it.
    pub fn is_talked_about(&self) -> bool {
        !matches!(self, Self::Closed { .. } | Self::Merged { .. })
    }

    pub fn status(&self) -> Status {
        match self {
            Self::Open => Status::Open,
            Self::InProgress => Status::InProgress,
            Self::Waiting { .. } => Status::Waiting,
            Self::Resolved(_) => Status::Resolved,
            Self::Closed { .. } => Status::Closed,
            Self::Merged { .. } => Status::Merged,
        }
    }

    /// Whether there is something left to do, be it for the student.
    pub fn is_unfinished(&self) -> bool {
        matches!(self, Self::Open | Self::InProgress | Self::Waiting { .. })
    }

    /// Whether time runs.
    pub fn is_running(&self) -> bool {
        matches!(self, Self::Open | Self::InProgress)
    }

    /// How it was resolved.
    pub fn resolution(&self) -> Option<&Resolution> {
        match self {
            Self::Resolved(resolution) | Self::Closed { resolution, .. } => Some(resolution),
            _ => None,
        }
    }
}

impl Work {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::InProgress => "in_progress",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Open, Self::InProgress]
            .into_iter()
            .find(|work| work.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WEEK: Duration = Duration::days(7);

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_000_000, 0).unwrap() + Duration::hours(hours)
    }

    fn resolution(hours: i64) -> Resolution {
        Resolution {
            by: Uuid::from_u128(1),
            at: at(hours),
            comments: None,
        }
    }

    /// What somebody may try.
    #[derive(Clone, Copy, Debug)]
    enum Call {
        Begin,
        PutBack,
        Ask,
        Answer,
        Resolve,
        Reopen,
        Close,
        Merge,
        Follow,
    }

    fn call() -> impl Strategy<Value = Call> {
        prop::sample::select(vec![
            Call::Begin,
            Call::PutBack,
            Call::Ask,
            Call::Answer,
            Call::Resolve,
            Call::Reopen,
            Call::Close,
            Call::Merge,
            Call::Follow,
        ])
    }

    fn apply(state: State, call: Call, hours: i64) -> Result<State, Refusal> {
        match call {
            Call::Begin => state.begin(),
            Call::PutBack => state.put_back(),
            Call::Ask => state.ask(at(hours)),
            Call::Answer => Ok(state.answer()),
            Call::Resolve => state.resolve(resolution(hours)),
            Call::Reopen => state.reopen(at(hours), WEEK),
            Call::Close => state.close(at(hours), WEEK),
            Call::Merge => state.merge(Uuid::from_u128(2), at(hours)),
            Call::Follow => state.follow(Uuid::from_u128(3)),
        }
    }

    /// The steps that there are, by status alone.
    fn may_follow(before: Status, after: Status) -> bool {
        use Status::{Closed, InProgress, Merged, Open, Resolved, Waiting};
        match before {
            Open | InProgress | Waiting => after != Closed,
            Resolved => matches!(after, Resolved | Open | Closed),
            Closed => after == Closed,
            Merged => after == Merged,
        }
    }

    proptest! {
        #[test]
        fn no_sequence_of_calls_leads_where_no_step_goes(calls in prop::collection::vec((call(), 0..100i64), 0..40)) {
            let (mut state, mut hours) = (State::Open, 0);
            for (call, later) in calls {
                hours += later;
                let before = state.clone();
                let Ok(after) = apply(state.clone(), call, hours) else { continue };
                prop_assert!(may_follow(before.status(), after.status()), "{before:?} {call:?} {after:?}");
                // Whatever reopens it comes in time, whatever closes it late.
                if let State::Resolved(resolution) = &before {
                    let is_late = at(hours) > resolution.at + WEEK;
                    prop_assert!(after.status() != Status::Open || !is_late);
                    prop_assert!(after.status() != Status::Closed || is_late);
                }
                state = after;
            }
        }

        #[test]
        fn what_was_asked_is_answered_and_goes_on_as_before(calls in prop::collection::vec(call(), 0..20)) {
            let mut state = State::Open;
            for call in calls {
                state = apply(state.clone(), call, 1).unwrap_or(state);
            }
            if state.is_running() {
                prop_assert_eq!(state.clone().ask(at(2)).unwrap().answer(), state);
            }
        }
    }

    #[test]
    fn asking_again_does_not_begin_the_wait_anew() {
        let asked = State::InProgress.ask(at(1)).unwrap();
        assert_eq!(asked.clone().ask(at(5)).unwrap(), asked);
    }

    #[test]
    fn a_week_is_to_the_moment() {
        let resolved = State::Resolved(resolution(0));
        let week = at(7 * 24);
        assert_eq!(resolved.clone().reopen(week, WEEK), Ok(State::Open));
        assert_eq!(resolved.clone().close(week, WEEK), Err(Refusal::Stands));
        let later = week + Duration::microseconds(1);
        assert_eq!(resolved.clone().reopen(later, WEEK), Err(Refusal::TooLate(week)));
        let closed = resolved.close(later, WEEK).unwrap();
        assert_eq!(closed.reopen(later, WEEK), Err(Refusal::TooLate(week)));
    }
}
