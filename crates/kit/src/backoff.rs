//! How long to wait after the n-th failure in a row: doubling, capped, and never in step with others.

use std::time::Duration;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    first: Duration,
    cap: Duration,
}

impl Backoff {
    pub(crate) const fn new(first: Duration, cap: Duration) -> Self {
        Self { first, cap }
    }

    /// The wait after this many failures in a row, counted from 1.
    pub(crate) fn after(self, failures: u32) -> Duration {
        self.with_luck(failures, rand::random::<f64>())
    }

    /// `luck` is between 0 and 1 and chooses from the upper half of the wait.
    fn with_luck(self, failures: u32, luck: f64) -> Duration {
        let doublings = failures.saturating_sub(1).min(20);
        let longest = self.first.saturating_mul(1 << doublings).min(self.cap);
        longest.mul_f64(0.5 + luck / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn waits_stay_within_their_bounds(first in 1_u64..10_000, cap in 1_u64..100_000, failures in 0_u32.., luck in 0.0..1.0) {
            let (first, cap) = (Duration::from_millis(first), Duration::from_millis(cap));
            let wait = Backoff::new(first, cap).with_luck(failures, luck);
            prop_assert!(wait <= cap);
            prop_assert!(wait >= first.min(cap) / 2);
        }

        #[test]
        fn waits_grow_with_the_failures(failures in 1_u32..40, luck in 0.0..1.0) {
            let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(30));
            prop_assert!(backoff.with_luck(failures + 1, luck) >= backoff.with_luck(failures, luck));
        }
    }

    #[test]
    fn each_failure_doubles_the_wait_until_the_cap() {
        let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));
        let waits = (1..7).map(|failures| backoff.with_luck(failures, 1.0).as_millis());
        assert_eq!(waits.collect::<Vec<_>>(), [100, 200, 400, 800, 1000, 1000]);
    }
}
