//! What every cache does, adapter by adapter, and what Redis does when it fails.
//!
//! Memory is always tested; a shared Redis with `HOSTELPULSE_TEST_STORES=servers`; what needs a server to die starts
//! its own.

mod opening;
mod outages;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::DateTime;
use kit::{
    Clock,
    cache::{self, Bucket, Cache, LONGEST_VALUE, Limiter, Memory},
    port::PortError,
};
use tokio::task::JoinSet;

const MINUTE: Duration = Duration::from_mins(1);

/// An adapter under test, with keys that no other test uses.
struct Subject {
    cache: Arc<dyn Cache>,
    time: Time,
    run: String,
}

enum Time {
    Mock(Clock),
    Real,
}

async fn subjects() -> Vec<Subject> {
    let run = Clock::system().new_id().to_string();
    let clock = Clock::mock(DateTime::from_timestamp(1_790_000_000, 0).expect("a time"));
    let mut subjects = vec![Subject {
        cache: Arc::new(Memory::new(clock.clone())),
        time: Time::Mock(clock),
        run: run.clone(),
    }];
    if kit::testing::TestStores::on_servers() {
        #[expect(clippy::disallowed_methods, reason = "the tests' servers come by the environment")]
        let url = std::env::var("HOSTELPULSE_TEST_CACHE_URL").expect("HOSTELPULSE_TEST_CACHE_URL is set");
        let cache = cache::open(&url.parse().expect("a URL"))
            .await
            .expect("the cache opens");
        subjects.push(Subject {
            cache,
            time: Time::Real,
            run,
        });
    }
    subjects
}

impl Subject {
    fn key(&self, name: &str) -> String {
        format!("test:{}:{name}", self.run)
    }

    fn clock(&self) -> Clock {
        match &self.time {
            Time::Mock(clock) => clock.clone(),
            Time::Real => Clock::system(),
        }
    }

    /// The condition comes true `wait` after `since`, not earlier and hardly later.
    async fn comes_true_after(&self, wait: Duration, since: Instant, condition: impl AsyncFn(&dyn Cache) -> bool) {
        if let Time::Mock(clock) = &self.time {
            let microsecond = chrono::Duration::microseconds(1);
            clock.advance(chrono::Duration::from_std(wait).expect("a short time") - microsecond);
            assert!(!condition(&*self.cache).await, "too early");
            clock.advance(microsecond);
            assert!(condition(&*self.cache).await, "too late");
            return;
        }
        eventually(wait + Duration::from_secs(5), async || condition(&*self.cache).await).await;
        // The server counts in milliseconds.
        assert!(since.elapsed() + Duration::from_millis(2) >= wait, "too early");
    }
}

async fn eventually(limit: Duration, condition: impl AsyncFn() -> bool) {
    let started = Instant::now();
    while !condition().await {
        assert!(started.elapsed() < limit, "not within {limit:?}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// How many of a hundred at once succeed.
async fn winners<F: Future<Output = bool> + Send + 'static>(attempt: impl Fn() -> F) -> usize {
    let attempts: JoinSet<bool> = (0..100).map(|_| attempt()).collect();
    attempts.join_all().await.into_iter().filter(|won| *won).count()
}

#[tokio::test]
async fn a_value_is_there_until_its_end() {
    for subject in subjects().await {
        let (cache, key) = (&subject.cache, subject.key("value"));
        assert_eq!(cache.get(&key).await.unwrap(), None);
        let since = Instant::now();
        cache.set(&key, b"first", Duration::from_millis(150)).await.unwrap();
        assert_eq!(cache.get(&key).await.unwrap().unwrap(), b"first");
        let gone = async |cache: &dyn Cache| cache.get(&key).await.unwrap().is_none();
        subject.comes_true_after(Duration::from_millis(150), since, gone).await;
        assert_eq!(cache.take(&key).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_value_is_replaced_with_its_end_and_removed() {
    for subject in subjects().await {
        let (cache, key) = (&subject.cache, subject.key("value"));
        cache.set(&key, b"first", MINUTE).await.unwrap();
        let since = Instant::now();
        cache
            .set(&key, b"second, longer", Duration::from_millis(100))
            .await
            .unwrap();
        assert_eq!(cache.get(&key).await.unwrap().unwrap(), b"second, longer");
        let gone = async |cache: &dyn Cache| cache.get(&key).await.unwrap().is_none();
        subject.comes_true_after(Duration::from_millis(100), since, gone).await;
        cache.set(&key, b"third", MINUTE).await.unwrap();
        cache.remove(&key).await.unwrap();
        assert_eq!(cache.get(&key).await.unwrap(), None);
        cache.remove(&key).await.unwrap();
        cache.ping().await.unwrap();
    }
}

#[tokio::test]
async fn any_bytes_under_any_key() {
    for subject in subjects().await {
        for name in ["", "with space\r\n", "छात्र", "a:b:c*?[x]", &"k".repeat(4000)] {
            let key = subject.key(name);
            for value in [&b""[..], &[0, 255, 13, 10], &vec![7; LONGEST_VALUE]] {
                subject.cache.set(&key, value, MINUTE).await.unwrap();
                assert_eq!(subject.cache.get(&key).await.unwrap().unwrap(), value);
            }
        }
        subject.cache.remove("").await.unwrap();
    }
}

#[tokio::test]
async fn any_time_to_live_is_kept() {
    for subject in subjects().await {
        let key = subject.key("ttl");
        subject.cache.set(&key, b"v", Duration::MAX).await.unwrap();
        assert!(subject.cache.get(&key).await.unwrap().is_some());
        let since = Instant::now();
        subject.cache.set(&key, b"v", Duration::ZERO).await.unwrap();
        let gone = async |cache: &dyn Cache| cache.get(&key).await.unwrap().is_none();
        subject.comes_true_after(Duration::from_millis(1), since, gone).await;
    }
}

#[tokio::test]
async fn a_value_too_long_is_refused_and_changes_nothing() {
    for subject in subjects().await {
        let key = subject.key("long");
        let long = vec![0; LONGEST_VALUE + 1];
        subject.cache.set(&key, b"kept", MINUTE).await.unwrap();
        let refused = subject.cache.set(&key, &long, MINUTE).await.unwrap_err();
        assert!(matches!(refused, PortError::Refused { .. }));
        assert_eq!(
            refused.to_string(),
            "cache refuses: a value of 262145 bytes, expected at most 262144"
        );
        assert!(subject.cache.set_if_absent(&key, &long, MINUTE).await.is_err());
        assert_eq!(subject.cache.get(&key).await.unwrap().unwrap(), b"kept");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_that_set_if_absent_one_wins() {
    for subject in subjects().await {
        let key = subject.key("once");
        let ttl = Duration::from_millis(400);
        let since = Instant::now();
        let won = winners(|| {
            let (cache, key) = (subject.cache.clone(), key.clone());
            async move { cache.set_if_absent(&key, b"mine", ttl).await.unwrap() }
        });
        assert_eq!(won.await, 1);
        assert_eq!(subject.cache.get(&key).await.unwrap().unwrap(), b"mine");
        let free = async |cache: &dyn Cache| cache.set_if_absent(&key, b"next", MINUTE).await.unwrap();
        subject.comes_true_after(ttl, since, free).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_that_take_one_gets_it() {
    for subject in subjects().await {
        let key = subject.key("once");
        for _ in 0..5 {
            subject.cache.set(&key, b"code", MINUTE).await.unwrap();
            let won = winners(|| {
                let (cache, key) = (subject.cache.clone(), key.clone());
                async move { cache.take(&key).await.unwrap().is_some() }
            });
            assert_eq!(won.await, 1);
        }
    }
}

#[tokio::test]
async fn a_bucket_gives_what_it_has_and_refills_steadily() {
    for subject in subjects().await {
        let (cache, key) = (&subject.cache, subject.key("bucket"));
        let bucket = Bucket::new(5, MINUTE);
        let taken = cache.take_tokens(&key, bucket, 4).await.unwrap();
        assert_eq!((taken.allowed, taken.limit, taken.remaining), (true, 5, 1));
        assert_eq!((taken.retry_seconds(), taken.reset_seconds()), (0, 48));
        let refused = cache.take_tokens(&key, bucket, 2).await.unwrap();
        assert_eq!((refused.allowed, refused.remaining), (false, 1));
        assert_eq!((refused.retry_seconds(), refused.reset_seconds()), (12, 48));

        let quick = Bucket::new(4, Duration::from_millis(400));
        for cost in [1_i32, 3] {
            let key = subject.key(&format!("quick {cost}"));
            let since = Instant::now();
            assert!(cache.take_tokens(&key, quick, 4).await.unwrap().allowed);
            let wait = Duration::from_millis(100) * cost.unsigned_abs();
            let there = async |cache: &dyn Cache| cache.take_tokens(&key, quick, cost).await.unwrap().allowed;
            subject.comes_true_after(wait, since, there).await;
        }
    }
}

#[tokio::test]
async fn tokens_put_back_are_there_again_and_never_too_many() {
    for subject in subjects().await {
        let (cache, key) = (&subject.cache, subject.key("bucket"));
        let bucket = Bucket::new(3, MINUTE);
        assert!(cache.take_tokens(&key, bucket, 3).await.unwrap().allowed);
        assert!(!cache.take_tokens(&key, bucket, 1).await.unwrap().allowed);
        assert_eq!(cache.take_tokens(&key, bucket, -1).await.unwrap().remaining, 1);
        assert_eq!(cache.take_tokens(&key, bucket, 0).await.unwrap().remaining, 1);
        assert!(cache.take_tokens(&key, bucket, 1).await.unwrap().allowed);
        let full = cache.take_tokens(&key, bucket, -100).await.unwrap();
        assert_eq!((full.remaining, full.reset_after), (3, Duration::ZERO));
        assert!(!cache.take_tokens(&key, bucket, 4).await.unwrap().allowed);
        assert!(cache.take_tokens(&key, bucket, 3).await.unwrap().allowed);
    }
}

/// The maths stands twice, here and on the server: both must agree with plain counting.
#[tokio::test]
async fn a_long_walk_of_taking_and_putting_back_counts_right() {
    for subject in subjects().await {
        let key = subject.key("walk");
        // So slow that nothing is refilled meanwhile.
        let bucket = Bucket::new(7, MINUTE * 60 * 24);
        let mut left = 7_i32;
        for step in 0..200 {
            let cost = (step * step + 3 * step) % 11 - 4;
            let allowed = cost <= left;
            left = if allowed { (left - cost).min(7) } else { left };
            let taken = subject.cache.take_tokens(&key, bucket, cost).await.unwrap();
            let expected = (allowed, left.unsigned_abs());
            assert_eq!((taken.allowed, taken.remaining), expected, "step {step}, cost {cost}");
        }
    }
}

#[tokio::test]
async fn a_key_with_another_bucket_is_another_bucket() {
    for subject in subjects().await {
        let (cache, key) = (&subject.cache, subject.key("bucket"));
        cache.set(&key, b"a value of the same name", MINUTE).await.unwrap();
        assert!(
            cache
                .take_tokens(&key, Bucket::new(1, MINUTE), 1)
                .await
                .unwrap()
                .allowed
        );
        assert!(
            !cache
                .take_tokens(&key, Bucket::new(1, MINUTE), 1)
                .await
                .unwrap()
                .allowed
        );
        assert!(
            cache
                .take_tokens(&key, Bucket::new(2, MINUTE), 2)
                .await
                .unwrap()
                .allowed
        );
        assert!(
            cache
                .take_tokens(&key, Bucket::new(1, MINUTE * 2), 1)
                .await
                .unwrap()
                .allowed
        );
    }
}

#[tokio::test]
async fn absurd_buckets_break_nothing() {
    for subject in subjects().await {
        for bucket in [Bucket::new(0, MINUTE), Bucket::new(0, Duration::ZERO)] {
            let taken = subject
                .cache
                .take_tokens(&subject.key("none"), bucket, 1)
                .await
                .unwrap();
            assert!(!taken.allowed);
        }
        for bucket in [
            Bucket::new(u32::MAX, Duration::MAX),
            Bucket::new(u32::MAX, Duration::ZERO),
        ] {
            let key = subject.key("much");
            assert!(subject.cache.take_tokens(&key, bucket, i32::MAX).await.unwrap().allowed);
            assert!(subject.cache.take_tokens(&key, bucket, i32::MIN).await.unwrap().allowed);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_at_once_get_exactly_what_the_bucket_has() {
    for subject in subjects().await {
        let key = subject.key("bucket");
        let bucket = Bucket::new(5, MINUTE * 60);
        let won = winners(|| {
            let (cache, key) = (subject.cache.clone(), key.clone());
            async move { cache.take_tokens(&key, bucket, 1).await.unwrap().allowed }
        });
        assert_eq!(won.await, 5);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_limiters_on_one_cache_give_what_one_bucket_has() {
    for subject in subjects().await {
        let key = subject.key("failures");
        let bucket = Bucket::new(5, MINUTE * 60);
        let limiters = [(); 2].map(|()| Arc::new(Limiter::new(subject.cache.clone(), subject.clock())));
        let turn = std::cell::Cell::new(0);
        let reserve = || {
            turn.set(turn.get() + 1);
            let (limiter, key) = (limiters[turn.get() % 2].clone(), key.clone());
            async move { limiter.take(&key, bucket, 1).await.allowed }
        };
        assert_eq!(winners(reserve).await, 5);
        // Two of the five calls succeeded and put back what they had reserved.
        limiters[0].take(&key, bucket, -1).await;
        limiters[0].take(&key, bucket, -1).await;
        assert_eq!(winners(reserve).await, 2);
    }
}

#[tokio::test]
async fn values_in_memory_are_bounded() {
    let cache = Memory::new(Clock::system());
    let value = vec![0; 64 * 1024];
    for number in 0..3000 {
        cache
            .set(&format!("v:{number}"), &value, MINUTE + Duration::from_secs(number))
            .await
            .unwrap();
    }
    let mut kept = 0;
    for number in 0..3000 {
        kept += usize::from(cache.get(&format!("v:{number}")).await.unwrap().is_some());
    }
    assert!((500..=1024).contains(&kept), "{kept} values of 64 KiB");
    assert!(cache.get("v:2999").await.unwrap().is_some());
}
