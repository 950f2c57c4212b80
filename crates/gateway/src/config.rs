//! The section `gateway` of the configuration.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use serde::{Deserialize, Serialize};

/// How the gateway faces the outside.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Threads that serve requests; 0 for one a processor.
    pub workers: usize,
    /// Most connections at a time, for each worker. Further ones wait to be accepted.
    pub max_connections: usize,
    /// Most requests under way at a time; further ones are turned away at once rather than kept waiting. Streams do not
    /// count, their connections do.
    pub max_requests: usize,
    /// How long an idle connection is kept.
    pub keep_alive_seconds: u64,
    /// Web pages that may call from other origins, `https://app.example.org`; none by default.
    pub cors_origins: Vec<String>,
    /// How long a browser keeps the cookie of a sign-in; the token in it may end sooner.
    pub cookie_seconds: u64,
    /// Addresses or networks of the proxies in front, `10.0.0.0/8`. Only their `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// Sends `Strict-Transport-Security`. On where TLS ends in front of the gateway.
    pub hsts: bool,
    /// How long the gateway says that it is not ready, yet still accepts, before it stops.
    pub drain_seconds: u64,
    /// How much a request may be.
    pub sizes: Sizes,
    /// How long things may take.
    pub deadlines: Deadlines,
    /// How often somebody may call: the section `limits`.
    #[serde(skip)]
    pub limits: Limits,
}

/// How much a request may be, in bytes.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sizes {
    /// Path and query.
    pub uri: usize,
    /// All header lines together.
    pub headers: usize,
    /// A JSON body.
    pub json: usize,
    /// The file of an upload.
    pub upload: u64,
    /// One frame from a WebSocket client.
    pub frame: usize,
}

/// How long things may take, in seconds.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Deadlines {
    /// A request's head.
    pub head_seconds: u64,
    /// A JSON body.
    pub body_seconds: u64,
    /// A whole upload, with the service's answer to it.
    pub upload_seconds: u64,
    /// How long a client may send, or a service of a download may give, nothing.
    pub idle_seconds: u64,
    /// A service's answer; passed on as its own deadline.
    pub call_seconds: u64,
    /// How often a WebSocket is pinged. One that is silent for two pings is closed.
    pub ping_seconds: u64,
    /// How long a WebSocket client may take no message before it is closed.
    pub slow_seconds: u64,
    /// Requests that are under way get this long when the gateway stops.
    pub stop_seconds: u64,
}

/// How often somebody may call an rpc that sets no limits of its own.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Off only for load tests: it also switches off the limits that rpcs set themselves.
    pub enabled: bool,
    /// Calls a minute for each signed-in user.
    pub user_per_minute: u32,
    /// Calls a minute for each address without a token.
    pub anonymous_per_minute: u32,
    /// Limits of single rpcs in place of those that the contract gives them, by full name:
    /// `"hostelpulse.auth.v1.Auth.Login" = ["5/minute/ip"]`.
    pub of: BTreeMap<String, Vec<String>>,
}

/// A network, or one address.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            workers: 0,
            max_connections: 8192,
            max_requests: 1024,
            keep_alive_seconds: 30,
            cors_origins: Vec::new(),
            cookie_seconds: 30 * 24 * 60 * 60,
            trusted_proxies: Vec::new(),
            hsts: false,
            drain_seconds: 0,
            sizes: Sizes::default(),
            deadlines: Deadlines::default(),
            limits: Limits::default(),
        }
    }
}

impl Default for Sizes {
    fn default() -> Self {
        Self {
            uri: 8 * 1024,
            headers: 32 * 1024,
            json: 64 * 1024,
            upload: 50_000_000,
            frame: 64 * 1024,
        }
    }
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            head_seconds: 5,
            body_seconds: 15,
            upload_seconds: 600,
            idle_seconds: 15,
            call_seconds: 10,
            ping_seconds: 20,
            slow_seconds: 10,
            stop_seconds: 6,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            enabled: true,
            user_per_minute: 100,
            anonymous_per_minute: 600,
            of: BTreeMap::new(),
        }
    }
}

impl Config {
    /// Refuses values that cannot work, naming the key.
    pub fn validate(&self) -> Result<(), String> {
        let deadlines = &self.deadlines;
        let positive = [
            ("max_connections", self.max_connections as u64),
            ("max_requests", self.max_requests as u64),
            ("cookie_seconds", self.cookie_seconds),
            ("sizes.uri", self.sizes.uri as u64),
            ("sizes.headers", self.sizes.headers as u64),
            ("sizes.json", self.sizes.json as u64),
            ("sizes.upload", self.sizes.upload),
            ("sizes.frame", self.sizes.frame as u64),
            ("deadlines.head_seconds", deadlines.head_seconds),
            ("deadlines.body_seconds", deadlines.body_seconds),
            ("deadlines.upload_seconds", deadlines.upload_seconds),
            ("deadlines.idle_seconds", deadlines.idle_seconds),
            ("deadlines.call_seconds", deadlines.call_seconds),
            ("deadlines.ping_seconds", deadlines.ping_seconds),
            ("deadlines.slow_seconds", deadlines.slow_seconds),
            ("limits.user_per_minute", self.limits.user_per_minute.into()),
            ("limits.anonymous_per_minute", self.limits.anonymous_per_minute.into()),
        ];
        if let Some((key, _)) = positive.into_iter().find(|(_, value)| *value == 0) {
            return Err(format!("gateway.{key} must be more than 0"));
        }
        for origin in &self.cors_origins {
            let url = url::Url::parse(origin).ok();
            if url.is_none_or(|url| url.origin().ascii_serialization() != *origin) {
                return Err(format!(
                    "gateway.cors_origins must hold origins like https://app.example.org, one is {origin:?}"
                ));
            }
        }
        Ok(())
    }
}

impl Deadlines {
    /// The deadline of a call.
    pub fn call(&self) -> Duration {
        Duration::from_secs(self.call_seconds)
    }

    /// How long nothing may happen while bytes are expected.
    pub fn idle(&self) -> Duration {
        Duration::from_secs(self.idle_seconds)
    }
}

impl Network {
    /// Whether an address lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(mine), IpAddr::V4(other)) => {
                same_prefix(mine.to_bits().into(), other.to_bits().into(), 32, self.prefix)
            }
            (IpAddr::V6(mine), IpAddr::V6(other)) => same_prefix(mine.to_bits(), other.to_bits(), 128, self.prefix),
            _ => false,
        }
    }
}

fn same_prefix(one: u128, other: u128, bits: u8, prefix: u8) -> bool {
    // A shift by all 128 bits would be too far; a prefix of 0 holds everything.
    prefix == 0 || (one ^ other) >> (bits - prefix) == 0
}

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("must be an address or a network like 10.0.0.0/8, it is {text:?}");
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text.as_str(), None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(bits), |prefix| prefix.parse().map_err(|_| wrong()))?;
        if prefix > bits {
            return Err(wrong());
        }
        Ok(Self { address, prefix })
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        format!("{}/{}", network.address, network.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        Network::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn a_network_holds_its_addresses_and_no_others() {
        assert!(network("10.0.0.0/8").contains("10.200.3.4".parse().unwrap()));
        assert!(!network("10.0.0.0/8").contains("11.0.0.1".parse().unwrap()));
        assert!(network("127.0.0.1").contains("::ffff:127.0.0.1".parse().unwrap()));
        assert!(!network("127.0.0.1").contains("127.0.0.2".parse().unwrap()));
        assert!(network("0.0.0.0/0").contains("8.8.8.8".parse().unwrap()));
        assert!(!network("0.0.0.0/0").contains("2001:db8::1".parse().unwrap()));
        assert!(network("2001:db8::/32").contains("2001:db8:1::1".parse().unwrap()));
        for wrong in ["", "10.0.0.0/33", "ten", "10.0.0.0/", "::/129", "10.0.0.0/-1"] {
            assert!(Network::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn unknown_keys_and_values_that_cannot_work_are_refused() {
        let unknown = serde_json::from_value::<Config>(serde_json::json!({"lissen": "127.0.0.1:80"}));
        assert!(unknown.unwrap_err().to_string().contains("lissen"));
        assert_eq!(Config::default().validate(), Ok(()));
        let mut config = Config::default();
        config.deadlines.call_seconds = 0;
        assert_eq!(
            config.validate(),
            Err("gateway.deadlines.call_seconds must be more than 0".to_owned())
        );
        let mut config = Config::default();
        config.cors_origins.push("https://app.example.org/".to_owned());
        assert!(config.validate().unwrap_err().contains("cors_origins"));
    }
}
