//! The cache in Redis: shared by all processes, each operation one command on the server.

mod link;

use std::{sync::Arc, time::Duration};

use deadpool_redis::redis::{self, Script};
use sha2::{Digest as _, Sha256};
use url::Url;

use self::link::Link;
use super::{Bucket, Cache, PORT, Taken, bounded, check_length};
use crate::port::{OpenError, PortError};

const TRIAL_KEY: &str = "hostelpulse:trial";

/// `redis://…`, `rediss://…`.
pub(super) struct Redis {
    link: Arc<Link>,
    take_tokens: Script,
}

impl Redis {
    pub(super) async fn open(url: &Url) -> Result<Self, OpenError> {
        Ok(Self {
            link: Link::open(url).await?,
            take_tokens: Script::new(include_str!("take_tokens.lua")),
        })
    }
}

#[async_trait::async_trait]
impl Cache for Redis {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, PortError> {
        self.link.ask(redis::cmd("GET").arg(value_key(key))).await
    }

    async fn set(&self, key: &str, value: &[u8], ttl: Duration) -> Result<(), PortError> {
        check_length(value)?;
        self.link.ask(&set_command(key, value, ttl)).await
    }

    async fn set_if_absent(&self, key: &str, value: &[u8], ttl: Duration) -> Result<bool, PortError> {
        check_length(value)?;
        let done: Option<String> = self.link.ask(set_command(key, value, ttl).arg("NX")).await?;
        Ok(done.is_some())
    }

    async fn take(&self, key: &str) -> Result<Option<Vec<u8>>, PortError> {
        self.link.ask(redis::cmd("GETDEL").arg(value_key(key))).await
    }

    async fn remove(&self, key: &str) -> Result<(), PortError> {
        self.link.ask(redis::cmd("DEL").arg(value_key(key))).await
    }

    async fn take_tokens(&self, key: &str, bucket: Bucket, cost: i32) -> Result<Taken, PortError> {
        let mut script = self.take_tokens.key(bucket_key(key, bucket));
        script.arg(bucket.capacity).arg(bucket.token()).arg(cost);
        let (allowed, debt): (bool, String) = self.link.ask_script(&script).await?;
        let debt = debt.parse().map_err(|_| PortError::Refused {
            port: PORT,
            why: format!("a debt of \"{debt}\", expected a whole number"),
        })?;
        Ok(bucket.outcome(allowed, debt, cost))
    }

    async fn ping(&self) -> Result<(), PortError> {
        let _: String = self.link.ask(&redis::cmd("PING")).await?;
        Ok(())
    }
}

fn set_command(key: &str, value: &[u8], ttl: Duration) -> redis::Cmd {
    let mut command = redis::cmd("SET");
    // Rounded up: no value ends before its time. Bounded, so it always fits.
    let millis = u64::try_from(bounded(ttl).as_micros().div_ceil(1000)).unwrap_or(u64::MAX);
    command.arg(value_key(key)).arg(value).arg("PX").arg(millis);
    command
}

/// `hostelpulse:value:otp:5f0c…`
fn value_key(key: &str) -> String {
    format!(
        "hostelpulse:value:{}:{}",
        kind(key),
        short_hash(Sha256::new().chain_update(key))
    )
}

/// `hostelpulse:bucket:login:5f0c…`: of the bucket too, so that a changed limit starts afresh.
fn bucket_key(key: &str, bucket: Bucket) -> String {
    let hash = Sha256::new()
        .chain_update(bucket.capacity.to_be_bytes())
        .chain_update(bucket.token().to_be_bytes())
        .chain_update(key);
    format!("hostelpulse:bucket:{}:{}", kind(key), short_hash(hash))
}

/// What stands before the first colon; the rest may name a person and is only kept as a hash.
fn kind(key: &str) -> &str {
    key.split_once(':').map_or("", |(kind, _)| kind)
}

fn short_hash(hash: Sha256) -> String {
    hex::encode(&hash.finalize()[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_kind_of_a_key_is_readable() {
        let key = value_key("otp:9876543210");
        assert!(key.starts_with("hostelpulse:value:otp:"));
        assert!(!key.contains("9876543210"));
        assert!(!value_key("9876543210").contains("9876543210"));
        assert_ne!(key, value_key("otp:9876543211"));
    }

    #[test]
    fn a_changed_limit_is_another_bucket() {
        let bucket = Bucket::new(5, Duration::from_mins(1));
        let key = bucket_key("login:10.0.0.1", bucket);
        assert_eq!(key, bucket_key("login:10.0.0.1", bucket));
        assert_ne!(key, bucket_key("login:10.0.0.1", Bucket::new(6, bucket.per)));
        assert_ne!(key, bucket_key("login:10.0.0.1", Bucket::new(5, bucket.per * 2)));
    }
}
