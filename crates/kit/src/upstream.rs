//! One channel a service: an in-process pipe where the service runs here, else connections balanced over its addresses.
//! Whoever calls cannot tell.

use std::{
    collections::{BTreeMap, HashSet},
    convert::Infallible,
    io,
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use hyper_util::rt::TokioIo;
use tokio::{io::DuplexStream, sync::mpsc};
use tokio_stream::{Stream, StreamExt as _, wrappers::ReceiverStream};
use tonic::transport::{Channel, Endpoint, Uri, channel::Change};
use url::Url;

/// How much a pipe holds in each direction before the writer waits.
const PIPE: usize = 256 * 1024;
/// How much of one stream may wait for its reader.
pub const STREAM_WINDOW: u32 = 256 * 1024;
/// The same for all streams of a connection: so much more, that readers who stall do not stop the others.
pub const CONNECTION_WINDOW: u32 = 64 * 1024 * 1024;
/// How often the addresses of a service are looked up again.
const LOOK_UP: Duration = Duration::from_secs(5);
const CONNECT_LIMIT: Duration = Duration::from_secs(3);

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

/// The listening end of a service that runs in this process: a stream of fresh pipes, one a connection.
pub type Pipes = std::pin::Pin<Box<dyn Stream<Item = Result<DuplexStream, Infallible>> + Send>>;

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
    /// A service in this process; it listens on what is returned.
    pub fn local(&mut self, service: &str) -> Pipes {
        let (sender, receiver) = mpsc::channel::<DuplexStream>(64);
        let connector = tower::service_fn(move |_: Uri| {
            let sender = sender.clone();
            async move {
                let (here, there) = tokio::io::duplex(PIPE);
                let gone = |_| io::Error::other("the service has stopped");
                sender.send(there).await.map_err(gone)?;
                Ok::<_, io::Error>(TokioIo::new(here))
            }
        });
        // A fixed, valid name: the pipe has no address.
        let endpoint = with_windows(Endpoint::from_static("http://in.process"));
        let calls = endpoint.connect_with_connector_lazy(connector.clone());
        let streams = endpoint.connect_with_connector_lazy(connector);
        self.0.insert(service.to_owned(), Channels { calls, streams });
        Box::pin(ReceiverStream::new(receiver).map(Ok))
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
        let (calls, changes) = Channel::balance_channel(64);
        tokio::spawn(follow_addresses(host.clone(), port, changes));
        let (streams, changes) = Channel::balance_channel(64);
        tokio::spawn(follow_addresses(host, port, changes));
        self.0.insert(service.to_owned(), Channels { calls, streams });
        Ok(())
    }

    pub fn build(self) -> Upstreams {
        Upstreams(Arc::new(self.0))
    }
}

/// Keeps a channel's endpoints equal to what the name resolves to, until the channel is gone.
async fn follow_addresses(host: String, port: u16, changes: mpsc::Sender<Change<SocketAddr, Endpoint>>) {
    let mut known: HashSet<SocketAddr> = HashSet::new();
    let mut ticks = tokio::time::interval(LOOK_UP);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = changes.closed() => return,
        }
        let found: HashSet<SocketAddr> = match tokio::net::lookup_host((host.as_str(), port)).await {
            Ok(addresses) => addresses.collect(),
            // The name server being away is no reason to forget addresses that work.
            Err(error) => {
                tracing::warn!(host, %error, "a service's name cannot be resolved");
                continue;
            }
        };
        for gone in known.difference(&found) {
            let _ = changes.send(Change::Remove(*gone)).await;
        }
        for new in found.difference(&known) {
            let _ = changes.send(Change::Insert(*new, endpoint(*new))).await;
        }
        known = found;
    }
}

fn endpoint(address: SocketAddr) -> Endpoint {
    // An address with a port always makes a valid URI.
    let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address makes a valid URI");
    with_windows(endpoint)
        .connect_timeout(CONNECT_LIMIT)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(Duration::from_secs(10))
        .keep_alive_timeout(Duration::from_secs(5))
        .keep_alive_while_idle(true)
}

fn with_windows(endpoint: Endpoint) -> Endpoint {
    endpoint
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
}
