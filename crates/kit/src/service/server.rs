//! The gRPC server of a service: its rpcs, health and reflection behind the access layer, with every limit set.

use std::{convert::Infallible, io, net::SocketAddr, time::Duration};

use http::{Request, Response};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::{
    body::Body,
    server::NamedService,
    service::{Routes, RoutesBuilder},
    transport::Server,
};
use tonic_health::server::{HealthReporter, health_reporter};
use tower::{Layer as _, Service};

use super::unhurried;
use crate::{
    access::AccessLayer,
    upstream::{self, Place},
};

const STREAMS_A_CONNECTION: u32 = 1024;

/// The rpcs of a service while it registers them.
pub struct Rpcs {
    routes: RoutesBuilder,
    names: Vec<&'static str>,
}

/// The rpcs of a service, ready to serve on as many listeners as wanted.
#[derive(Clone)]
pub(super) struct Served {
    routes: Routes,
    access: AccessLayer,
}

impl Rpcs {
    pub(super) fn new() -> Self {
        Self {
            routes: RoutesBuilder::default(),
            names: Vec::new(),
        }
    }

    /// Adds a generated server.
    pub fn add<S>(&mut self, server: S)
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        self.names.push(S::NAME);
        self.routes.add_service(server);
    }

    /// The names of the rpc services that were added.
    pub(super) fn names(&self) -> &[&'static str] {
        &self.names
    }

    /// Adds health and reflection. What the health says is told by the reporter that comes with it.
    pub(super) fn finish(mut self, access: AccessLayer) -> anyhow::Result<(Served, HealthReporter)> {
        let (health, health_server) = health_reporter();
        let reflection = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .with_service_name("grpc.health.v1.Health");
        let reflection = self
            .names
            .iter()
            .fold(reflection, |reflection, name| reflection.with_service_name(*name));
        self.routes.add_service(health_server);
        self.routes.add_service(reflection.build_v1()?);
        let routes = self.routes.routes();
        Ok((Served { routes, access }, health))
    }
}

impl Served {
    /// Answers calls of this process.
    pub(super) async fn at(self, place: Place, stop: CancellationToken) {
        place.serve(self.access.layer(self.routes), stop).await;
    }

    /// Serves connections of the network.
    pub(super) async fn on_tcp(self, listener: TcpListener, stop: CancellationToken) -> anyhow::Result<()> {
        let router = server().layer(self.access).add_routes(self.routes);
        let incoming = unhurried::incoming(listener);
        Ok(router
            .serve_with_incoming_shutdown(incoming, stop.cancelled_owned())
            .await?)
    }
}

fn server() -> Server {
    Server::builder()
        .initial_stream_window_size(upstream::STREAM_WINDOW)
        .initial_connection_window_size(upstream::CONNECTION_WINDOW)
        .max_concurrent_streams(STREAMS_A_CONNECTION)
        .http2_keepalive_interval(Some(Duration::from_secs(10)))
        .http2_keepalive_timeout(Some(Duration::from_secs(5)))
        .http2_max_header_list_size(32 * 1024)
}

/// Opens a port, or says in one sentence why not.
pub async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => anyhow::anyhow!("the port of {address} is taken by another program"),
        _ => anyhow::anyhow!("cannot listen on {address}: {error}"),
    })
}
