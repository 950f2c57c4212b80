//! Limits that outlive the cache: while it is away, each process keeps them by itself; nothing is ever unlimited.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use super::{Bucket, Cache, Taken, local_buckets::LocalBuckets};
use crate::{Clock, port::PortError};

/// Takes tokens and always has an answer.
///
/// Where the buckets are shared, this process also keeps its own account of what it took. Its account alone decides
/// while the cache is away, and a cache that comes back empty has not forgiven anybody. It also spares the cache the
/// calls of somebody who is over the limit here already.
///
/// For a limit on one person's failures take 1 before the call and -1 after its success: however many try at once, no
/// more than the capacity get through. Where many people share the limit, most of them without failing, look before the
/// call and take 1 after its failure.
pub struct Limiter {
    cache: Arc<dyn Cache>,
    own: LocalBuckets,
    alone: AtomicBool,
}

impl Limiter {
    pub fn new(cache: Arc<dyn Cache>, clock: Clock) -> Self {
        Self {
            cache,
            own: LocalBuckets::new(clock),
            alone: AtomicBool::new(false),
        }
    }

    /// Takes `cost` tokens, all or none (negative: puts them back; zero: looks).
    pub async fn take(&self, key: &str, bucket: Bucket, cost: i32) -> Taken {
        // Buckets in memory answer here, and nothing of the rest is paid.
        if let Some(taken) = self.cache.take_tokens_now(key, bucket, cost) {
            return taken;
        }
        let own = self.own.take(key, bucket, cost);
        if !own.allowed {
            return own;
        }
        let shared = match self.cache.take_tokens(key, bucket, cost).await {
            Ok(shared) => shared,
            Err(error) => {
                self.note_away(&error);
                return own;
            }
        };
        self.note_answer();
        if !shared.allowed {
            // Not taken there, so not taken here; a refused cost is never negative.
            self.own.take(key, bucket, -cost);
            return shared;
        }
        if own.remaining < shared.remaining { own } else { shared }
    }

    /// Whether a token is there; none is taken.
    pub async fn look(&self, key: &str, bucket: Bucket) -> Taken {
        bucket.seen(self.take(key, bucket, 0).await)
    }

    fn note_away(&self, error: &PortError) {
        if !self.alone.swap(true, Ordering::Relaxed) {
            tracing::warn!(%error, "limits are kept by this process alone until the cache answers");
        }
    }

    fn note_answer(&self) {
        // Read first: a write on every request would make all cores fight for one cache line.
        if self.alone.load(Ordering::Relaxed) && self.alone.swap(false, Ordering::Relaxed) {
            tracing::info!("limits are shared through the cache again");
        }
    }
}
