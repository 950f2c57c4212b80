//! The cache in memory: this process alone, bounded, and on a clock that tests can move.

use std::{
    hash::{BuildHasher as _, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{Bucket, Cache, Taken, bounded, check_length, local_buckets::LocalBuckets, micros, shard::Shard};
use crate::{Clock, port::PortError};

const SHARDS: usize = 16;
/// All values together; what would end soonest makes room.
const MOST_BYTES: usize = 64 * 1024 * 1024;
/// What an entry costs beside its key and its value, roughly.
const OVERHEAD: usize = 96;

/// `memory://`.
pub struct Memory {
    clock: Clock,
    hasher: RandomState,
    values: Vec<Mutex<Values>>,
    buckets: LocalBuckets,
}

type Values = Shard<Box<str>, Box<[u8]>>;

impl Memory {
    pub fn new(clock: Clock) -> Self {
        let shard = || Mutex::new(Shard::new(MOST_BYTES / SHARDS));
        Self {
            buckets: LocalBuckets::new(clock.clone()),
            clock,
            hasher: RandomState::new(),
            values: std::iter::repeat_with(shard).take(SHARDS).collect(),
        }
    }

    fn shard(&self, key: &str) -> MutexGuard<'_, Values> {
        let hash = self.hasher.hash_one(key);
        let shard = &self.values[usize::from(hash.to_be_bytes()[0]) % SHARDS];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> i64 {
        self.clock.now().timestamp_micros()
    }
}

fn keep(shard: &mut Values, key: &str, value: &[u8], ttl: Duration, now: i64) {
    let ends = now.saturating_add(micros(bounded(ttl)));
    shard.insert(key.into(), value.into(), ends, key.len() + value.len() + OVERHEAD, now);
}

#[async_trait::async_trait]
impl Cache for Memory {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, PortError> {
        Ok(self.shard(key).get(key, self.now()).map(|value| value.to_vec()))
    }

    async fn set(&self, key: &str, value: &[u8], ttl: Duration) -> Result<(), PortError> {
        check_length(value)?;
        keep(&mut self.shard(key), key, value, ttl, self.now());
        Ok(())
    }

    async fn set_if_absent(&self, key: &str, value: &[u8], ttl: Duration) -> Result<bool, PortError> {
        check_length(value)?;
        let mut shard = self.shard(key);
        let now = self.now();
        if shard.get(key, now).is_some() {
            return Ok(false);
        }
        keep(&mut shard, key, value, ttl, now);
        Ok(true)
    }

    async fn take(&self, key: &str) -> Result<Option<Vec<u8>>, PortError> {
        Ok(self.shard(key).remove(key, self.now()).map(Vec::from))
    }

    async fn remove(&self, key: &str) -> Result<(), PortError> {
        self.shard(key).remove(key, self.now());
        Ok(())
    }

    async fn take_tokens(&self, key: &str, bucket: Bucket, cost: i32) -> Result<Taken, PortError> {
        Ok(self.buckets.take(key, bucket, cost))
    }

    fn take_tokens_now(&self, key: &str, bucket: Bucket, cost: i32) -> Option<Taken> {
        Some(self.buckets.take(key, bucket, cost))
    }

    async fn ping(&self) -> Result<(), PortError> {
        Ok(())
    }
}
