//! A service elsewhere: calls are balanced over the addresses that its name stands for. Each runtime of this process has
//! connections of its own, because an answer that a thread of another one reads has to wake whoever waits for it, and that
//! costs more than the reading.

use std::{
    collections::{HashMap, HashSet},
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    runtime::{Handle, Id},
    sync::{mpsc, watch},
};
use tonic::transport::{self, Endpoint, channel::Change};

use super::{CONNECTION_WINDOW, STREAM_WINDOW};

/// How often the addresses of a service are looked up again.
const LOOK_UP: Duration = Duration::from_secs(5);
const CONNECT_LIMIT: Duration = Duration::from_secs(3);

/// What a name stands for, as far as it is known.
pub(super) type Addresses = watch::Receiver<HashSet<SocketAddr>>;

/// A service elsewhere. Cheap to clone.
#[derive(Clone)]
pub(super) struct Remote(Arc<Inner>);

struct Inner {
    addresses: Addresses,
    /// One for each runtime that ever called: the threads of a gateway, and the one beside them.
    by_runtime: Mutex<HashMap<Id, transport::Channel>>,
}

impl Remote {
    pub(super) fn new(addresses: Addresses) -> Self {
        Self(Arc::new(Inner {
            addresses,
            by_runtime: Mutex::default(),
        }))
    }

    /// The connections of the runtime that asks.
    pub(super) fn channel(&self) -> transport::Channel {
        let mut by_runtime = self.0.by_runtime.lock().unwrap_or_else(PoisonError::into_inner);
        let channel = by_runtime.entry(Handle::current().id());
        channel.or_insert_with(|| balanced(self.0.addresses.clone())).clone()
    }
}

/// Looks up what a name stands for, now and then, until nobody wants to know.
pub(super) fn look_up(host: String, port: u16) -> Addresses {
    let (found, addresses) = watch::channel(HashSet::new());
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(LOOK_UP);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = found.closed() => return,
            }
            match tokio::net::lookup_host((host.as_str(), port)).await {
                Ok(now) => {
                    let now: HashSet<SocketAddr> = now.collect();
                    found.send_if_modified(|before| std::mem::replace(before, now) != *before);
                }
                // The name server being away is no reason to forget addresses that work.
                Err(error) => tracing::warn!(host, %error, "a service's name cannot be resolved"),
            }
        }
    });
    addresses
}

fn balanced(addresses: Addresses) -> transport::Channel {
    let (channel, changes) = transport::Channel::balance_channel(64);
    tokio::spawn(follow(addresses, changes));
    channel
}

/// Keeps a channel's endpoints equal to the addresses, until the channel is gone.
async fn follow(mut addresses: Addresses, changes: mpsc::Sender<Change<SocketAddr, Endpoint>>) {
    let mut known = HashSet::new();
    loop {
        let found = addresses.borrow_and_update().clone();
        for gone in known.difference(&found) {
            let _ = changes.send(Change::Remove(*gone)).await;
        }
        for new in found.difference(&known) {
            let _ = changes.send(Change::Insert(*new, endpoint(*new))).await;
        }
        known = found;
        tokio::select! {
            more = addresses.changed() => if more.is_err() { return },
            () = changes.closed() => return,
        }
    }
}

fn endpoint(address: SocketAddr) -> Endpoint {
    // An address with a port always makes a valid URI.
    let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address makes a valid URI");
    endpoint
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .connect_timeout(CONNECT_LIMIT)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(Duration::from_secs(10))
        .keep_alive_timeout(Duration::from_secs(5))
        .keep_alive_while_idle(true)
}
