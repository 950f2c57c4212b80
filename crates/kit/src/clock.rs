//! The only source of time and of new ids, so that tests decide both.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Duration, SecondsFormat, SubsecRound as _, Utc};
use prost_types::Timestamp;
use uuid::{ClockSequence, ContextV7, Uuid};

/// A time as messages of the contract tell it.
pub fn timestamp(at: DateTime<Utc>) -> Timestamp {
    Timestamp {
        seconds: at.timestamp(),
        nanos: i32::try_from(at.timestamp_subsec_nanos()).unwrap_or_default(),
    }
}

/// A time as text, where it stands outside the messages of the contract.
pub fn text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// Tells the time. Cheap to clone; all clones of a mock clock move together.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Mock(Arc<Mutex<Mocked>>),
}

/// A time that stands, and the order of ids made then: how far another mock clock was moved is none of theirs.
#[derive(Debug)]
struct Mocked {
    at: DateTime<Utc>,
    order: ContextV7,
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `start` until somebody moves it.
    pub fn mock(start: DateTime<Utc>) -> Self {
        let mocked = Mocked {
            at: start,
            order: ContextV7::new(),
        };
        Self(Source::Mock(Arc::new(Mutex::new(mocked))))
    }

    /// Now, in whole microseconds: what PostgreSQL can keep, so that a value read back equals the value written.
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            #[expect(
                clippy::disallowed_methods,
                reason = "this is the one place that reads the machine's clock"
            )]
            Source::System => Utc::now().trunc_subsecs(6),
            Source::Mock(mocked) => mocked.lock().unwrap_or_else(PoisonError::into_inner).at,
        }
    }

    /// Moves a mock clock forward; the machine's clock cannot be moved and stays.
    pub fn advance(&self, by: Duration) {
        if let Source::Mock(mocked) = &self.0 {
            mocked.lock().unwrap_or_else(PoisonError::into_inner).at += by;
        }
    }

    /// A new id (UUID version 7): ids made later sort later, to the millisecond and within it.
    pub fn new_id(&self) -> Uuid {
        static ORDER_WITHIN_A_MILLISECOND: Mutex<ContextV7> = Mutex::new(ContextV7::new());
        let now = self.now();
        match &self.0 {
            Source::System => made_at(now, &ORDER_WITHIN_A_MILLISECOND),
            Source::Mock(mocked) => made_at(now, &mocked.lock().unwrap_or_else(PoisonError::into_inner).order),
        }
    }
}

fn made_at(now: DateTime<Utc>, order: &impl ClockSequence<Output = impl Into<u128>>) -> Uuid {
    let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
    let at = uuid::Timestamp::from_unix(order, seconds, now.timestamp_subsec_nanos());
    #[expect(clippy::disallowed_methods, reason = "this is the one place that makes ids")]
    Uuid::new_v7(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mock_clock_stands_still_until_it_is_moved() {
        let start = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let clock = Clock::mock(start);
        let twin = clock.clone();
        assert_eq!(clock.now(), start);
        twin.advance(Duration::minutes(15));
        assert_eq!(clock.now(), start + Duration::minutes(15));
    }

    #[test]
    fn ids_tell_the_time_of_their_own_clock() {
        let start = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let (moved, standing) = (Clock::mock(start), Clock::mock(start));
        moved.advance(Duration::days(1000));
        moved.new_id();
        let (seconds, _) = standing.new_id().get_timestamp().unwrap().to_unix();
        assert_eq!(seconds, 1_790_000_000);
    }

    #[test]
    fn ids_made_later_sort_later() {
        let clock = Clock::system();
        let ids: Vec<Uuid> = (0..1000).map(|_| clock.new_id()).collect();
        assert!(ids.is_sorted());
    }
}
