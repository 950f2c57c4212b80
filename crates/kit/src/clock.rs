//! The only source of time and of new ids, so that tests decide both.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Duration, SubsecRound as _, Utc};
use prost_types::Timestamp;
use uuid::{ContextV7, Uuid};

/// A time as messages of the contract tell it.
pub fn timestamp(at: DateTime<Utc>) -> Timestamp {
    Timestamp {
        seconds: at.timestamp(),
        nanos: i32::try_from(at.timestamp_subsec_nanos()).unwrap_or_default(),
    }
}

/// Tells the time. Cheap to clone; all clones of a mock clock move together.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Mock(Arc<Mutex<DateTime<Utc>>>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `start` until somebody moves it.
    pub fn mock(start: DateTime<Utc>) -> Self {
        Self(Source::Mock(Arc::new(Mutex::new(start))))
    }

    /// Now, in whole microseconds: what PostgreSQL can keep, so that a value read back equals the value written.
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            #[expect(
                clippy::disallowed_methods,
                reason = "this is the one place that reads the machine's clock"
            )]
            Source::System => Utc::now().trunc_subsecs(6),
            Source::Mock(at) => *at.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Moves a mock clock forward; the machine's clock cannot be moved and stays.
    pub fn advance(&self, by: Duration) {
        if let Source::Mock(at) = &self.0 {
            *at.lock().unwrap_or_else(PoisonError::into_inner) += by;
        }
    }

    /// A new id (UUID version 7): ids made later sort later, to the millisecond and within it.
    pub fn new_id(&self) -> Uuid {
        static ORDER_WITHIN_A_MILLISECOND: Mutex<ContextV7> = Mutex::new(ContextV7::new());
        let now = self.now();
        let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
        #[expect(clippy::disallowed_methods, reason = "this is the one place that makes ids")]
        Uuid::new_v7(uuid::Timestamp::from_unix(
            &ORDER_WITHIN_A_MILLISECOND,
            seconds,
            now.timestamp_subsec_nanos(),
        ))
    }
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
    fn ids_made_later_sort_later() {
        let clock = Clock::system();
        let ids: Vec<Uuid> = (0..1000).map(|_| clock.new_id()).collect();
        assert!(ids.is_sorted());
    }
}
