//! The cache port: values with an end, one-time values, token buckets. It only speeds things up; nothing is lost with it.
//!
//! | what | where |
//! |---|---|
//! | `memory://` | [`Memory`]: this process alone, bounded, on [`Clock`]'s time |
//! | `redis://`, `rediss://` | `redis/`: shared by all processes, on the server's time; needs Redis 6.2 or newer |
//! | the maths of a bucket | `bucket.rs`: pure, the same for both |
//! | limits that outlive an outage | [`Limiter`] |
//!
//! A key is `kind:rest`. The rest may name a person: only the kind is readable in a shared store.

mod bucket;
mod limiter;
mod local_buckets;
mod memory;
mod redis;
mod shard;

use std::{sync::Arc, time::Duration};

use url::Url;

pub use bucket::{Bucket, Taken};
pub use limiter::Limiter;
pub use memory::Memory;

use crate::{
    Clock,
    port::{OpenError, PortError},
};

const PORT: &str = "cache";
/// The schemes of URLs that this port opens.
pub const SCHEMES: &[&str] = &["memory", "redis", "rediss"];

/// No value is longer: a cache is for small things, and large ones would crowd them out.
pub const LONGEST_VALUE: usize = 256 * 1024;
/// No value stays longer, whatever its caller says.
const LONGEST_STAY: Duration = Duration::from_hours(400 * 24);

/// A cache, chosen by URL. A time to live under a millisecond counts as a millisecond.
#[async_trait::async_trait]
pub trait Cache: Send + Sync {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, PortError>;
    async fn set(&self, key: &str, value: &[u8], ttl: Duration) -> Result<(), PortError>;
    /// Sets the value only if there is none: of several callers at once exactly one hears `true`.
    async fn set_if_absent(&self, key: &str, value: &[u8], ttl: Duration) -> Result<bool, PortError>;
    /// Reads and removes in one step: of several callers at once exactly one gets the value.
    async fn take(&self, key: &str) -> Result<Option<Vec<u8>>, PortError>;
    async fn remove(&self, key: &str) -> Result<(), PortError>;
    /// Takes `cost` tokens from a bucket, all or none (negative: puts them back, never above the capacity; zero: looks).
    /// The same key with another bucket is another bucket.
    async fn take_tokens(&self, key: &str, bucket: Bucket, cost: i32) -> Result<Taken, PortError>;
    /// [`Cache::take_tokens`] without waiting, `None` where the answer has to travel.
    fn take_tokens_now(&self, _key: &str, _bucket: Bucket, _cost: i32) -> Option<Taken> {
        None
    }
    /// Whether the cache answers.
    async fn ping(&self) -> Result<(), PortError>;
}

/// Opens `memory://` or `redis://…` (`rediss://…`). A Redis that cannot be used is an error here, not at the first call.
pub async fn open(url: &Url) -> Result<Arc<dyn Cache>, OpenError> {
    match url.scheme() {
        "memory" => Ok(Arc::new(Memory::new(Clock::system()))),
        "redis" | "rediss" => Ok(Arc::new(redis::Redis::open(url).await?)),
        _ => Err(OpenError::unknown_scheme(PORT, url, SCHEMES)),
    }
}

/// Both adapters refuse the same values, so that what works on a laptop works deployed.
fn check_length(value: &[u8]) -> Result<(), PortError> {
    if value.len() <= LONGEST_VALUE {
        return Ok(());
    }
    let why = format!("a value of {} bytes, expected at most {LONGEST_VALUE}", value.len());
    Err(PortError::Refused { port: PORT, why })
}

/// A time to live that every adapter can keep.
fn bounded(ttl: Duration) -> Duration {
    ttl.clamp(Duration::from_millis(1), LONGEST_STAY)
}

/// Whole microseconds; what does not fit would be 292,000 years.
fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
