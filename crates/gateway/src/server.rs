//! The gateway's life: everything is checked before anything listens; it stops in two steps, drain and cut.

use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use actix_web::{App, HttpRequest, HttpServer, dev::Server, rt::net::TcpStream, web};
use kit::{
    Clock,
    access::{ServiceTokens, Verifier},
    cache::Limiter,
    upstream::Upstreams,
};
use prost_reflect::DescriptorPool;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::{
    Config, Error,
    cors::Origins,
    docs::Docs,
    endpoint,
    face::Face,
    figures::Tally,
    health::Health,
    limits::Limit,
    openapi,
    system::{Raw, StaticFile},
};

/// Bytes that a client leaves unread, and pings that it leaves unanswered, hold a connection this long.
const DEAF: Duration = Duration::from_secs(15);

/// A connection that is over may still take its last bytes this long.
const LINGER: Duration = Duration::from_secs(2);

/// What the gateway stands on.
pub struct Deps {
    /// The contract.
    pub pool: DescriptorPool,
    pub upstreams: Upstreams,
    pub verifier: Verifier,
    pub service_tokens: ServiceTokens,
    pub limiter: Arc<Limiter>,
    pub clock: Clock,
    /// The text of `/metrics`; without it there is no such page.
    pub metrics: Option<MetricsText>,
    /// Texts that other systems expect without an envelope.
    pub raw: Vec<Raw>,
    /// Files of pages for people.
    pub files: Vec<StaticFile>,
    /// What the API documentation says of this installation.
    pub info: openapi::Info,
}

/// Writes all figures in Prometheus' format.
pub type MetricsText = Arc<dyn Fn() -> String + Send + Sync>;

/// A gateway that fits its contract and can be started.
pub struct Gateway(Arc<Face>);

/// A gateway that listens.
pub struct Bound {
    face: Arc<Face>,
    server: Server,
    address: SocketAddr,
}

impl Gateway {
    /// Reads the contract and checks every rule in it.
    pub fn create(deps: Deps, config: Config) -> Result<Self, Error> {
        config.validate().map_err(Error::Config)?;
        let limits = &config.limits;
        Ok(Self(Arc::new(Face {
            tree: endpoint::read(&deps, &config)?,
            docs: Docs::new(&openapi::document(&deps.pool, &deps.info)),
            origins: Origins::new(&config.cors_origins),
            user_limit: [Limit::general(true, limits.user_per_minute)],
            anonymous_limit: [Limit::general(false, limits.anonymous_per_minute)],
            health: Health::new(&deps.upstreams),
            verifier: deps.verifier,
            service_tokens: deps.service_tokens,
            limiter: deps.limiter,
            clock: deps.clock,
            metrics: deps.metrics,
            room: Semaphore::new(config.max_requests),
            stopping: CancellationToken::new(),
            lost: Tally::new("any", "none", false),
            config,
        })))
    }

    /// Serves what comes in on `listener`.
    ///
    /// HTTP/1.1 without TLS: both TLS and HTTP/2 end at the proxy in front, because this server sets no limit to the
    /// streams of an HTTP/2 connection.
    pub fn listen(self, listener: TcpListener) -> Result<Bound, Error> {
        let face = self.0;
        let config = &face.config;
        let deadlines = &config.deadlines;
        let for_workers = face.clone();
        let mut server = HttpServer::new(move || {
            let face = for_workers.clone();
            App::new().default_service(web::to(move |request: HttpRequest, payload: web::Payload| {
                let face = face.clone();
                async move { face.serve(request, payload).await }
            }))
        })
        .on_connect(|connection, _| {
            if let Some(stream) = connection.downcast_ref::<TcpStream>() {
                drop_when_deaf(stream);
            }
        })
        .max_connections(config.max_connections)
        .keep_alive(Duration::from_secs(config.keep_alive_seconds))
        .client_request_timeout(Duration::from_secs(deadlines.head_seconds))
        .client_disconnect_timeout(LINGER)
        // A client that hung up is gone: its request ends, and with it the call of the service.
        .h1_allow_half_closed(false)
        .tcp_nodelay(true)
        .shutdown_timeout(deadlines.stop_seconds)
        .disable_signals();
        if config.workers > 0 {
            server = server.workers(config.workers);
        }
        let address = listener.local_addr().map_err(Error::Serve)?;
        let server = server.listen(listener).map_err(Error::Serve)?;
        Ok(Bound {
            server: server.run(),
            face,
            address,
        })
    }
}

impl Bound {
    /// How long it goes on taking requests once told to stop.
    pub fn drain(&self) -> Duration {
        Duration::from_secs(self.face.config.drain_seconds)
    }

    /// Where it listens, with the port that it got.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` is done: then says that it is not ready, goes on for the drain time, ends the streams, lets
    /// requests finish and returns.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), Error> {
        let Self { face, server, .. } = self;
        let handle = server.handle();
        let mut serving = tokio::spawn(server);
        let drained = async {
            stop.await;
            face.health.stop();
            tokio::time::sleep(Duration::from_secs(face.config.drain_seconds)).await;
        };
        tokio::select! {
            ended = &mut serving => {
                let early = std::io::Error::other("it ended by itself");
                return Err(Error::Serve(ended.map_err(std::io::Error::other).and_then(|done| done).err().unwrap_or(early)));
            }
            () = drained => {}
        }
        face.stopping.cancel();
        handle.stop(true).await;
        serving
            .await
            .map_err(std::io::Error::other)
            .and_then(|done| done)
            .map_err(Error::Serve)
    }
}

/// Lets the system give up a connection whose other end takes nothing, even where it still answers.
fn drop_when_deaf(stream: &TcpStream) {
    if let Err(error) = socket2::SockRef::from(stream).set_tcp_user_timeout(Some(DEAF)) {
        tracing::debug!(%error, "a connection keeps the system's own timeout");
    }
}
