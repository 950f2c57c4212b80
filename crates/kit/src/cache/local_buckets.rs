//! The token buckets of one process: exact under concurrency, bounded in memory, and without a person's name in it.

use std::{
    hash::{BuildHasher as _, RandomState},
    sync::{Mutex, PoisonError},
};

use super::{
    bucket::{Bucket, Level, Taken},
    shard::Shard,
};
use crate::Clock;

/// So many that two callers rarely wait for one lock.
const SHARDS: usize = 64;
/// Some 20 MB when a flood of addresses fills them all; a bucket that is full again is forgotten.
const MOST_BUCKETS: usize = 100_000;

/// Keys are kept as 64-bit hashes under a key of this process: nobody outside can aim at another's bucket, and among
/// all that fit here the chance that two share one is below one in a billion.
pub(super) struct LocalBuckets {
    clock: Clock,
    hasher: RandomState,
    shards: Vec<Mutex<Shard<u64, Level>>>,
}

impl LocalBuckets {
    pub(super) fn new(clock: Clock) -> Self {
        let shard = || Mutex::new(Shard::new(MOST_BUCKETS / SHARDS));
        Self {
            clock,
            hasher: RandomState::new(),
            shards: std::iter::repeat_with(shard).take(SHARDS).collect(),
        }
    }

    pub(super) fn take(&self, key: &str, bucket: Bucket, cost: i32) -> Taken {
        let hash = self.hasher.hash_one((key, bucket));
        let shard = &self.shards[usize::from(hash.to_be_bytes()[0]) % SHARDS];
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        // Read under the lock: time never runs backwards within a shard.
        let now = self.clock.now().timestamp_micros();
        let (level, taken) = bucket.take(shard.get(&hash, now).copied(), now, cost);
        if level.debt == 0 {
            shard.remove(&hash, now);
        } else if cost != 0 && taken.allowed {
            shard.insert(hash, level, bucket.full_at(level), 1, now);
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn count(buckets: &LocalBuckets) -> usize {
        buckets.shards.iter().map(|shard| shard.lock().unwrap().len()).sum()
    }

    fn clock() -> Clock {
        Clock::mock(chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap())
    }

    #[test]
    fn a_flood_of_addresses_is_bounded_and_frees_nobody_who_is_over_the_limit() {
        let buckets = LocalBuckets::new(clock());
        let bucket = Bucket::new(5, Duration::from_mins(1));
        assert!(buckets.take("ip:offender", bucket, 5).allowed);
        for address in 0..MOST_BUCKETS * 2 {
            assert!(buckets.take(&format!("ip:{address}"), bucket, 1).allowed);
        }
        assert!(count(&buckets) <= MOST_BUCKETS);
        assert!(!buckets.take("ip:offender", bucket, 1).allowed);
    }

    #[test]
    fn full_buckets_are_forgotten() {
        let clock = clock();
        let buckets = LocalBuckets::new(clock.clone());
        let bucket = Bucket::new(5, Duration::from_mins(1));
        assert!(buckets.take("a", bucket, 1).allowed);
        assert_eq!(count(&buckets), 1);
        assert!(buckets.take("a", bucket, -1).allowed);
        assert_eq!(count(&buckets), 0);
        for address in 0..50_000 {
            buckets.take(&format!("ip:{address}"), bucket, 1);
        }
        clock.advance(chrono::Duration::seconds(12));
        for address in 50_000..100_000 {
            buckets.take(&format!("ip:{address}"), bucket, 1);
        }
        assert!(count(&buckets) < 75_000, "{} buckets", count(&buckets));
    }

    #[test]
    fn threads_at_once_get_exactly_what_is_there() {
        let buckets = LocalBuckets::new(clock());
        let bucket = Bucket::new(1000, Duration::from_mins(1));
        let granted: usize = std::thread::scope(|scope| {
            let take = || (0..500).filter(|_| buckets.take("k", bucket, 1).allowed).count();
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(take)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(granted, 1000);
    }
}
