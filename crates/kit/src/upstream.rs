//! One channel a service: calls of functions where the service runs here, else connections balanced over its addresses.
//! Whoever calls cannot tell.

mod channel;
mod place;
mod remote;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use http::HeaderMap;
use url::Url;

use self::remote::Remote;
pub use self::{channel::Channel, place::Place};

/// How much of one stream may wait for its reader.
pub const STREAM_WINDOW: u32 = 256 * 1024;
/// The same for all streams of a connection: so much more, that readers who stall do not stop the others.
pub const CONNECTION_WINDOW: u32 = 64 * 1024 * 1024;

/// The services that can be called, by name.
#[derive(Clone, Default)]
pub struct Upstreams(Arc<BTreeMap<String, Channels>>);

/// The ways to one service. Long streams have a connection of their own, so that they never crowd out short calls.
#[derive(Clone)]
struct Channels {
    calls: Channel,
    streams: Channel,
}

/// Collects the services before anything starts.
#[derive(Default)]
pub struct Builder(BTreeMap<String, Channels>);

impl Upstreams {
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The channel to a service, `None` where this process knows no way to it.
    pub fn channel(&self, service: &str) -> Option<Channel> {
        self.0.get(service).map(|channels| channels.calls.clone())
    }

    /// The channel for uploads, downloads and other streams.
    pub fn channel_for_streams(&self, service: &str) -> Option<Channel> {
        self.0.get(service).map(|channels| channels.streams.clone())
    }

    /// The names of all known services.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl Builder {
    /// A service in this process; it is called once it serves at the place that is returned.
    pub fn local(&mut self, service: &str) -> Place {
        let (place, channel) = place::new();
        let (calls, streams) = (channel.clone(), channel);
        self.0.insert(service.to_owned(), Channels { calls, streams });
        place
    }

    /// A service elsewhere, `http://auth:9000`. All addresses that the name stands for share the calls.
    pub fn remote(&mut self, service: &str, url: &Url) -> Result<(), String> {
        let (host, port) = match (url.host_str(), url.port_or_known_default()) {
            (Some(host), Some(port)) if url.scheme() == "http" => (host.to_owned(), port),
            _ => {
                return Err(format!(
                    "the address of {service} must look like http://{service}:9000, it is {url}"
                ));
            }
        };
        let addresses = remote::look_up(host, port);
        let calls = Channel::there(Remote::new(addresses.clone()));
        let streams = Channel::there(Remote::new(addresses));
        self.0.insert(service.to_owned(), Channels { calls, streams });
        Ok(())
    }

    pub fn build(self) -> Upstreams {
        Upstreams(Arc::new(self.0))
    }
}

/// How long whoever calls will wait: at most eight digits and a unit.
pub fn given_time(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let count: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(count.saturating_mul(3600))),
        "M" => Some(Duration::from_secs(count.saturating_mul(60))),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_that_is_given() {
        let given = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("grpc-timeout", text.parse().unwrap());
            given_time(&headers)
        };
        assert_eq!(given("600000000u"), Some(Duration::from_mins(10)));
        assert_eq!(given("10M"), Some(Duration::from_mins(10)));
        for bad in ["", "S", "-1S", "1", "1x"] {
            assert_eq!(given(bad), None, "{bad:?}");
        }
        assert_eq!(given_time(&HeaderMap::new()), None);
    }
}
