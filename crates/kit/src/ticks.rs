//! What is done by the clock, again and again.

use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

/// The times at which something is done, until told to stop.
pub struct Ticks<'a> {
    interval: Interval,
    stop: &'a CancellationToken,
}

impl<'a> Ticks<'a> {
    /// The first time is now.
    pub fn every(period: Duration, stop: &'a CancellationToken) -> Self {
        Self::after(Duration::ZERO, period, stop)
    }

    /// The first time is after a while.
    pub fn after(first: Duration, period: Duration, stop: &'a CancellationToken) -> Self {
        let mut interval = interval_at(Instant::now() + first, period);
        // What was missed is not made up for: once is enough.
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { interval, stop }
    }

    /// Waits for the next time; `false` when told to stop.
    pub async fn next(&mut self) -> bool {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => false,
            _ = self.interval.tick() => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn times_come_until_told_to_stop_and_what_was_missed_is_left_out() {
        let stop = CancellationToken::new();
        let begin = Instant::now();
        let passed = || begin.elapsed().as_secs();
        let mut ticks = Ticks::after(Duration::from_secs(2), Duration::from_secs(5), &stop);
        assert!(ticks.next().await && passed() == 2);
        assert!(ticks.next().await && passed() == 7);
        tokio::time::sleep(Duration::from_secs(18)).await;
        assert!(ticks.next().await && passed() == 25);
        assert!(ticks.next().await && passed() == 30);
        stop.cancel();
        assert!(!ticks.next().await && passed() == 30);
    }
}
