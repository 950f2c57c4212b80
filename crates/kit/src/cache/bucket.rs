//! The maths of a token bucket: pure and in whole numbers, so that not one token too many is ever granted.
//!
//! What is missing from a bucket is its debt. A token is a debt of `per` microseconds, and each microsecond pays back
//! `capacity`: no fraction is ever rounded, whatever the rate.

use std::time::Duration;

use super::micros;

const LONGEST_PER: Duration = Duration::from_hours(366 * 24);

/// A token bucket: full at first, refilled steadily over `per` (from a microsecond to a year).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Bucket {
    pub capacity: u32,
    pub per: Duration,
}

/// What came of asking for tokens: what `RateLimit-Limit`, `-Remaining`, `-Reset` and `Retry-After` need.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Taken {
    pub allowed: bool,
    /// The bucket's capacity.
    pub limit: u32,
    /// Whole tokens left.
    pub remaining: u32,
    /// How long until the bucket is full again.
    pub reset_after: Duration,
    /// How long until the tokens that were refused are there; zero when allowed.
    pub retry_after: Duration,
}

/// How much was missing from a bucket, and when (microseconds of the epoch).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Level {
    pub(super) debt: u128,
    pub(super) at: i64,
}

impl Bucket {
    /// `capacity` tokens over `per`.
    pub const fn new(capacity: u32, per: Duration) -> Self {
        Self { capacity, per }
    }

    /// The debt of one token.
    pub(super) fn token(self) -> u64 {
        micros(self.per.clamp(Duration::from_micros(1), LONGEST_PER)).unsigned_abs()
    }

    /// The debt of an empty bucket.
    fn empty(self) -> u128 {
        u128::from(self.capacity) * u128::from(self.token())
    }

    /// How long the bucket needs to pay back a debt, rounded up.
    fn time_for(self, debt: u128) -> Duration {
        // A bucket without capacity never pays; the answer is then only a long time.
        let micros = debt.div_ceil(u128::from(self.capacity.max(1)));
        Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }

    fn debt_at(self, level: Level, now: i64) -> u128 {
        // A clock that was set back pays nothing; more than `per` cannot be owed.
        let elapsed = now.saturating_sub(level.at).clamp(0, self.token().cast_signed());
        let paid = u128::from(elapsed.unsigned_abs()) * u128::from(self.capacity);
        level.debt.saturating_sub(paid)
    }

    /// Takes `cost` tokens from what is there `now`; a bucket without a level is full.
    pub(super) fn take(self, level: Option<Level>, now: i64, cost: i32) -> (Level, Taken) {
        let owed = level.map_or(0, |level| self.debt_at(level, now));
        let tokens = u128::from(cost.unsigned_abs()) * u128::from(self.token());
        let (allowed, debt) = if cost <= 0 {
            (true, owed.saturating_sub(tokens))
        } else if owed + tokens <= self.empty() {
            (true, owed + tokens)
        } else {
            (false, owed)
        };
        (Level { debt, at: now }, self.outcome(allowed, debt, cost))
    }

    /// What a caller hears who asked for `cost` and left the bucket with `debt`.
    pub(super) fn outcome(self, allowed: bool, debt: u128, cost: i32) -> Taken {
        let left = self.empty().saturating_sub(debt) / u128::from(self.token());
        let missing = if allowed {
            0
        } else {
            (debt + u128::from(cost.unsigned_abs()) * u128::from(self.token())).saturating_sub(self.empty())
        };
        Taken {
            allowed,
            limit: self.capacity,
            remaining: u32::try_from(left).unwrap_or(self.capacity),
            reset_after: self.time_for(debt),
            retry_after: self.time_for(missing),
        }
    }

    /// What a caller hears who only looked, as if asking for one token without taking it.
    pub(super) fn seen(self, taken: Taken) -> Taken {
        if taken.remaining > 0 {
            return taken;
        }
        // The other tokens may stay away. Rounded down, so that the wait is never too short.
        let others = u128::from(self.token()) * u128::from(self.capacity.saturating_sub(1));
        let others = others / u128::from(self.capacity.max(1));
        let others = Duration::from_micros(u64::try_from(others).unwrap_or(u64::MAX));
        Taken {
            allowed: false,
            retry_after: taken.reset_after.saturating_sub(others),
            ..taken
        }
    }

    /// When a bucket of this level is full again and need not be remembered.
    pub(super) fn full_at(self, level: Level) -> i64 {
        level.at.saturating_add(micros(self.time_for(level.debt)))
    }
}

impl Taken {
    /// For `RateLimit-Reset`: whole seconds, rounded up.
    pub fn reset_seconds(&self) -> u64 {
        seconds(self.reset_after)
    }

    /// For `Retry-After`: whole seconds, rounded up; zero when allowed.
    pub fn retry_seconds(&self) -> u64 {
        seconds(self.retry_after)
    }
}

fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: i64 = 1_790_000_000_000_000;

    fn buckets() -> impl Strategy<Value = Bucket> {
        (1_u32..50, 1_u64..5_000_000).prop_map(|(capacity, per)| Bucket::new(capacity, Duration::from_micros(per)))
    }

    /// Walks through (wait, cost) and tells each step's time and outcome.
    fn walk(bucket: Bucket, steps: &[(i64, i32)]) -> Vec<(i64, Taken)> {
        let mut now = START;
        let mut level = None;
        let taken = steps.iter().map(|(wait, cost)| {
            now += wait;
            let (next, taken) = bucket.take(level, now, *cost);
            level = Some(next);
            (now, taken)
        });
        taken.collect()
    }

    proptest! {
        #[test]
        fn no_window_ever_sees_more_than_capacity_and_refill(
            bucket in buckets(),
            steps in prop::collection::vec((0_i64..2_000_000, 1_i32..60), 1..40),
        ) {
            let taken = walk(bucket, &steps);
            for first in 0..taken.len() {
                let mut granted = 0_u128;
                for last in first..taken.len() {
                    let (now, outcome) = taken[last];
                    granted += if outcome.allowed { u128::from(steps[last].1.unsigned_abs()) } else { 0 };
                    let time = u128::from((now - taken[first].0).unsigned_abs());
                    let bound = u128::from(bucket.capacity) * (u128::from(bucket.token()) + time);
                    prop_assert!(granted * u128::from(bucket.token()) <= bound);
                }
            }
        }

        #[test]
        fn what_was_refused_is_there_after_the_wait_and_not_before(
            bucket in buckets(),
            steps in prop::collection::vec((0_i64..2_000_000, -5_i32..60), 1..40),
        ) {
            let mut now = START;
            let mut level = None;
            for (wait, cost) in steps {
                now += wait;
                let (next, taken) = bucket.take(level, now, cost);
                level = Some(next);
                prop_assert!(taken.remaining <= bucket.capacity);
                if taken.allowed || cost.unsigned_abs() > bucket.capacity {
                    continue;
                }
                let there = now + micros(taken.retry_after);
                prop_assert!(taken.retry_after > Duration::ZERO);
                prop_assert!(bucket.take(level, there, cost).1.allowed);
                prop_assert!(!bucket.take(level, there - 1, cost).1.allowed);
            }
        }

        #[test]
        fn who_looks_hears_what_who_asks_for_one_hears(
            bucket in buckets(),
            steps in prop::collection::vec((0_i64..2_000_000, -5_i32..20), 1..40),
        ) {
            let mut now = START;
            let mut level = None;
            for (wait, cost) in steps {
                now += wait;
                level = Some(bucket.take(level, now, cost).0);
                let looked = bucket.seen(bucket.take(level, now, 0).1);
                let asked = bucket.take(level, now, 1).1;
                prop_assert_eq!(looked.allowed, asked.allowed);
                let differ = looked.retry_after.abs_diff(asked.retry_after);
                prop_assert!(differ <= Duration::from_micros(1), "{:?} {:?}", looked, asked);
                prop_assert!(looked.retry_after >= asked.retry_after);
            }
        }

        #[test]
        fn a_bucket_that_is_forgotten_when_full_again_is_the_same_bucket(
            bucket in buckets(),
            steps in prop::collection::vec((0_i64..3_000_000, -5_i32..20), 1..40),
        ) {
            let mut now = START;
            let mut forgetting: Option<Level> = None;
            let outcomes = walk(bucket, &steps);
            for ((wait, cost), (_, remembered)) in steps.into_iter().zip(outcomes) {
                now += wait;
                let kept = forgetting.filter(|level| bucket.full_at(*level) > now);
                let (level, taken) = bucket.take(kept, now, cost);
                prop_assert_eq!(taken, remembered);
                forgetting = Some(level);
            }
        }

        #[test]
        fn tokens_put_back_never_exceed_the_capacity(bucket in buckets(), taken in 0_i32..50, back in 0_i32..100) {
            let (level, _) = bucket.take(None, START, taken);
            let (level, after) = bucket.take(Some(level), START, -back);
            prop_assert!(after.allowed);
            prop_assert!(after.remaining <= bucket.capacity);
            let all = bucket.capacity.cast_signed();
            prop_assert!(!bucket.take(Some(level), START, all + 1).1.allowed);
        }
    }

    #[test]
    fn the_headers_speak_in_whole_seconds_rounded_up() {
        let bucket = Bucket::new(5, Duration::from_mins(1));
        let (level, taken) = bucket.take(None, START, 5);
        assert_eq!((taken.allowed, taken.limit, taken.remaining), (true, 5, 0));
        assert_eq!((taken.reset_seconds(), taken.retry_seconds()), (60, 0));
        let (_, taken) = bucket.take(Some(level), START + 500_000, 1);
        assert_eq!((taken.allowed, taken.remaining), (false, 0));
        assert_eq!((taken.reset_seconds(), taken.retry_seconds()), (60, 12));
    }

    #[test]
    fn a_bucket_without_capacity_grants_nothing() {
        let bucket = Bucket::new(0, Duration::from_mins(1));
        let (_, taken) = bucket.take(None, START, 1);
        assert!(!taken.allowed);
        assert_eq!(taken.retry_after, Duration::from_mins(1));
    }

    #[test]
    fn absurd_buckets_are_only_slow() {
        let bucket = Bucket::new(u32::MAX, Duration::MAX);
        let (level, taken) = bucket.take(None, START, i32::MAX);
        assert!(taken.allowed);
        assert!(bucket.full_at(level) > START);
        let (_, taken) = bucket.take(Some(level), i64::MAX, i32::MIN);
        assert_eq!(taken.remaining, u32::MAX);
    }

    #[test]
    fn a_clock_set_back_grants_nothing() {
        let bucket = Bucket::new(1, Duration::from_secs(1));
        let (level, _) = bucket.take(None, START, 1);
        assert!(!bucket.take(Some(level), START - 3_600_000_000, 1).1.allowed);
    }
}
