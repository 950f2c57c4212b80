//! Redis dies, hangs, forgets and comes back: callers hardly notice, and no limit opens.

use std::{
    io,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use deadpool_redis::redis;
use kit::{
    Clock,
    cache::{self, Bucket, Cache, Limiter},
    port::PortError,
    testing::Server,
};
use tracing_subscriber::fmt::MakeWriter;

use super::{MINUTE, eventually};

const PASSWORD: &str = "hush-canary";
/// What an outage may add to a call once it is known.
const ADDED: Duration = Duration::from_millis(50);
const BACK_WITHIN: Duration = Duration::from_secs(10);

/// What is logged on this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn start() -> (Self, tracing::subscriber::DefaultGuard) {
        let log = Self::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(log.clone())
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().expect("a log")).into_owned()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("a log").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

async fn fails_quickly(cache: &dyn Cache) {
    let started = Instant::now();
    for _ in 0..20 {
        let error = cache.get("test:any").await.expect_err("an error");
        assert!(matches!(error, PortError::Unavailable { .. }), "{error}");
    }
    assert!(started.elapsed() < ADDED * 20, "{:?}", started.elapsed());
}

async fn is_back(cache: &dyn Cache) {
    eventually(BACK_WITHIN, async || cache.ping().await.is_ok()).await;
    cache.set("test:any", b"v", MINUTE).await.expect("kept");
    let value = cache.get("test:any").await.expect("an answer");
    assert_eq!(value.as_deref(), Some(&b"v"[..]));
}

async fn command(server: &Server, words: &[&str]) -> redis::Value {
    let client = redis::Client::open(server.url().as_str()).expect("a client");
    let mut connection = client.get_multiplexed_async_connection().await.expect("a connection");
    let mut command = redis::cmd(words[0]);
    command.arg(&words[1..]);
    command.query_async(&mut connection).await.expect("an answer")
}

#[tokio::test]
async fn a_server_that_dies_and_returns() {
    let Some(mut server) = Server::redis(None).await else {
        return;
    };
    let cache = cache::open(&server.url()).await.unwrap();
    cache.set("test:any", b"v", MINUTE).await.unwrap();
    for _ in 0..2 {
        server.kill();
        let error = cache.get("test:any").await.unwrap_err();
        assert!(error.to_string().starts_with("cache cannot be reached: "), "{error}");
        fails_quickly(&*cache).await;
        server.start_again().await;
        is_back(&*cache).await;
    }
}

#[tokio::test]
async fn a_server_that_hangs_and_returns() {
    let Some(server) = Server::redis(None).await else {
        return;
    };
    let cache = cache::open(&server.url()).await.unwrap();
    server.freeze();
    let started = Instant::now();
    let error = cache.get("test:any").await.unwrap_err();
    assert_eq!(error.to_string(), "cache did not answer within 250ms");
    assert!(
        started.elapsed() < Duration::from_millis(400),
        "{:?}",
        started.elapsed()
    );
    fails_quickly(&*cache).await;
    server.thaw();
    is_back(&*cache).await;
}

#[tokio::test]
async fn many_callers_of_a_hanging_server_wait_only_once() {
    let Some(server) = Server::redis(None).await else {
        return;
    };
    let cache = cache::open(&server.url()).await.unwrap();
    server.freeze();
    let started = Instant::now();
    let callers = (0..500).map(|_| {
        let cache = cache.clone();
        async move { cache.get("test:any").await.is_err() }
    });
    let failed: tokio::task::JoinSet<bool> = callers.collect();
    assert!(failed.join_all().await.into_iter().all(|failed| failed));
    assert!(
        started.elapsed() < Duration::from_millis(600),
        "{:?}",
        started.elapsed()
    );
    server.thaw();
    is_back(&*cache).await;
}

#[tokio::test]
async fn limits_hold_through_an_outage_and_it_is_logged_once() {
    let Some(mut server) = Server::redis(Some(PASSWORD)).await else {
        return;
    };
    let (log, _guard) = Log::start();
    let cache = cache::open(&server.url()).await.unwrap();
    let limiter = Limiter::new(cache.clone(), Clock::system());
    let bucket = Bucket::new(5, MINUTE * 60);
    for _ in 0..3 {
        assert!(limiter.take("login:9876543210", bucket, 1).await.allowed);
    }
    server.kill();
    // What was taken before the outage still counts, and nobody else is let in without limit.
    for (key, left) in [("login:9876543210", 2), ("login:other", 5)] {
        for turn in 0..20 {
            let taken = limiter.take(key, bucket, 1).await;
            assert_eq!(taken.allowed, turn < left, "{key} {turn}");
        }
    }
    server.start_again().await;
    eventually(BACK_WITHIN, async || cache.ping().await.is_ok()).await;
    // The server has forgotten everything, this process has not.
    assert!(!limiter.take("login:9876543210", bucket, 1).await.allowed);
    assert!(limiter.take("login:new", bucket, 1).await.allowed);
    let log = log.text();
    for sentence in [
        "the cache is away",
        "limits are kept by this process alone until the cache answers",
        "the cache is back",
        "limits are shared through the cache again",
    ] {
        assert_eq!(log.matches(sentence).count(), 1, "{sentence}\n{log}");
    }
    assert!(!log.contains("canary") && !log.contains("9876543210"), "{log}");
}

#[tokio::test]
async fn a_hanging_server_slows_the_limiter_only_once() {
    let Some(server) = Server::redis(None).await else {
        return;
    };
    let limiter = Limiter::new(cache::open(&server.url()).await.unwrap(), Clock::system());
    let bucket = Bucket::new(1_000_000, MINUTE);
    server.freeze();
    let started = Instant::now();
    assert!(limiter.take("ip:10.0.0.1", bucket, 1).await.allowed);
    assert!(
        started.elapsed() < Duration::from_millis(400),
        "{:?}",
        started.elapsed()
    );
    // Long enough that the server is tried again meanwhile.
    let started = Instant::now();
    let mut slow = 0;
    let mut calls = 0;
    while started.elapsed() < Duration::from_secs(2) {
        let call = Instant::now();
        assert!(limiter.take("ip:10.0.0.1", bucket, 1).await.allowed);
        slow += usize::from(call.elapsed() > ADDED);
        calls += 1;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // On a busy machine a thread may wait that long for its turn; each call waiting would be all of them.
    assert!(slow * 20 <= calls, "{slow} of {calls}");
}

#[tokio::test]
async fn a_server_that_forgets_its_scripts_is_told_again() {
    let Some(server) = Server::redis(None).await else {
        return;
    };
    let cache = cache::open(&server.url()).await.unwrap();
    let bucket = Bucket::new(2, MINUTE * 60);
    assert!(cache.take_tokens("test:any", bucket, 1).await.unwrap().allowed);
    command(&server, &["SCRIPT", "FLUSH"]).await;
    assert!(cache.take_tokens("test:any", bucket, 1).await.unwrap().allowed);
    assert!(!cache.take_tokens("test:any", bucket, 1).await.unwrap().allowed);
}

#[tokio::test]
async fn a_server_without_room_is_away_until_it_has_room() {
    let Some(server) = Server::redis(None).await else {
        return;
    };
    let cache = cache::open(&server.url()).await.unwrap();
    command(&server, &["CONFIG", "SET", "maxmemory", "1"]).await;
    let error = cache.set("test:any", b"v", MINUTE).await.unwrap_err();
    assert!(
        error.to_string().starts_with("cache cannot be reached: OOM "),
        "{error}"
    );
    fails_quickly(&*cache).await;
    command(&server, &["CONFIG", "SET", "maxmemory", "0"]).await;
    is_back(&*cache).await;
}

#[tokio::test]
async fn no_key_on_the_server_names_a_person_and_every_key_ends() {
    let Some(server) = Server::redis(None).await else {
        return;
    };
    let cache = cache::open(&server.url()).await.unwrap();
    cache.set("otp:9876543210", b"x", MINUTE).await.unwrap();
    cache
        .take_tokens("login:9876543210:10.1.2.3", Bucket::new(5, MINUTE), 1)
        .await
        .unwrap();
    let keys = command(&server, &["KEYS", "*"]).await;
    let keys: Vec<String> = redis::from_redis_value(keys).unwrap();
    assert!(keys.iter().all(|key| key.starts_with("hostelpulse:")), "{keys:?}");
    assert!(
        keys.iter().any(|key| key.starts_with("hostelpulse:value:otp:")),
        "{keys:?}"
    );
    assert!(
        keys.iter().any(|key| key.starts_with("hostelpulse:bucket:login:")),
        "{keys:?}"
    );
    for key in keys {
        assert!(!key.contains("9876543210") && !key.contains("10.1.2.3"), "{key}");
        let ends: i64 = redis::from_redis_value(command(&server, &["PTTL", &key]).await).unwrap();
        assert!(ends != -1, "{key} stays for ever");
    }
}
