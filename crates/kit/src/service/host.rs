//! A process that runs services: opens the stores, starts what it is told to, stops in order.

use std::{
    fs::DirBuilder, io, net::SocketAddr, os::unix::fs::DirBuilderExt as _, path::Path, process::ExitCode, sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use proto::auth::tokens_client::TokensClient;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{
    Deps, Lifecycle, Rpcs, Service, Stage,
    health::{self, Watched},
    lifecycle::told_to_stop,
    server::bind,
};
use crate::{
    Clock, Db, Keyring,
    access::{AccessLayer, Policies, Secrets, ServiceSecret, ServiceTokens, TokenSecret, Verifier, signature},
    cache::{self, Cache},
    config::{Base, Config, Loader, Stores},
    contract,
    events::{self, Bus, Consumer, Relay},
    files::{self, Files},
    keyring::MasterKeys,
    mail::{self, Mail},
    port,
    push::{self, Push},
    telemetry,
    upstream::{Place, Upstreams},
};

/// The service whose keys verify tokens.
const KEYS: &str = "auth";

/// A process while it is put together, and then runs.
pub struct Host {
    pub config: Config,
    pub clock: Clock,
    pub stores: Stores,
    pub cache: Arc<dyn Cache>,
    pub bus: Arc<dyn Bus>,
    pub upstreams: Upstreams,
    pub verifier: Verifier,
    pub lifecycle: Lifecycle,
    files: Arc<dyn Files>,
    pub mail: Arc<dyn Mail>,
    push: Arc<dyn Push>,
    secrets: Secrets,
    /// None where no service runs: a gateway has nothing to open.
    keyring: Option<Keyring>,
    stopping: CancellationToken,
    public_url: url::Url,
    policies: Arc<Policies>,
    places: Vec<(String, Place)>,
    /// The rpcs of all services that run here, for the network.
    rpcs: Rpcs,
    /// The databases behind them, whose health is theirs.
    watched: Vec<Watched>,
    /// What services do by themselves, until all of them are there.
    waiting: Vec<(&'static str, Relay, Vec<Consumer>)>,
}

impl Host {
    /// Opens the stores that all services share. `here` are the services that will run in this process.
    pub async fn open(config: Config, here: &[&str]) -> anyhow::Result<Self> {
        Self::open_at(config, here, Clock::system()).await
    }

    /// The same by another clock than the machine's.
    pub async fn open_at(config: Config, here: &[&str], clock: Clock) -> anyhow::Result<Self> {
        let base = &config.base;
        let stores = base.stores().map_err(anyhow::Error::msg)?;
        stores.check()?;
        let secrets = secrets(base)?;
        let public_url = base.public_url().map_err(anyhow::Error::msg)?;
        let master_keys = (!here.is_empty()).then(|| MasterKeys::of(base)).transpose()?;
        private_folder(&base.data)
            .with_context(|| format!("the data folder {} cannot be made", base.data.display()))?;
        let keyring = master_keys.map(Keyring::open).transpose()?;
        let policies = Arc::new(Policies::read(contract::pool())?);
        let (upstreams, places) = upstreams(base, here)?;
        let mut lifecycle = Lifecycle::default();
        let verifier = followed_verifier(&upstreams, &secrets, &clock, &mut lifecycle)?;
        let cache = cache::open(&stores.cache).await?;
        let bus = events::bus::open(&stores.bus).await?;
        let files = files::open(&stores.files).await?;
        let mail = mail::open(&stores.mail, &base.data.join("mail"), clock.clone()).await?;
        let push = push::open(&stores.push, clock.clone()).await?;
        Ok(Self {
            config,
            clock,
            stores,
            cache,
            bus,
            upstreams,
            verifier,
            public_url,
            stopping: lifecycle.stop_of(Stage::Services),
            lifecycle,
            files,
            mail,
            push,
            secrets,
            keyring,
            policies,
            places,
            rpcs: Rpcs::new(),
            watched: Vec::new(),
            waiting: Vec::new(),
        })
    }

    /// Opens a service's database and makes the service; nothing runs yet.
    pub async fn create<S: Service>(&self) -> anyhow::Result<(S, Db)> {
        self.create_with(self.config.section::<S::Config>(S::NAME)?).await
    }

    /// Refuses a database that is newer than this program, and changes nothing.
    pub async fn refuse_newer_database<S: Service>(&self) -> anyhow::Result<()> {
        let db = open_database(&self.config, &self.stores, S::NAME).await?;
        let checked = db.refuse_newer::<S::Migrator>().await;
        db.close().await?;
        checked
            .map(drop)
            .with_context(|| format!("the database of {}", S::NAME))
    }

    /// The same with a configuration of the caller's.
    pub async fn create_with<S: Service>(&self, config: S::Config) -> anyhow::Result<(S, Db)> {
        S::check(&config)?;
        let keyring = self.keyring.clone().context("the host was opened for no service")?;
        let db = open_database(&self.config, &self.stores, S::NAME).await?;
        db.migrate::<S::Migrator>()
            .await
            .with_context(|| format!("the database of {}", S::NAME))?;
        let service = S::create(self.deps(db.clone(), keyring, S::NAME), config)
            .await
            .with_context(|| S::NAME)?;
        Ok((service, db))
    }

    /// Serves a service in this process; what it does by itself waits for [`Host::begin`].
    pub fn start<S: Service>(&mut self, service: S, db: Db) -> anyhow::Result<()> {
        let watched = self.serve_in_process(&service, db.clone())?;
        self.watched.push(watched);
        service.register(&mut self.rpcs);
        let relay = Relay::new(S::NAME, db, self.bus.clone(), self.clock.clone());
        self.waiting.push((S::NAME, relay, service.consumers()));
        let stop = self.lifecycle.stop_of(Stage::Background);
        self.lifecycle
            .spawn(Stage::Background, S::NAME, async move { service.run(stop).await });
        Ok(())
    }

    /// Offers the rpcs of a service to others in this process, and nothing more: it does nothing by itself, and hears nothing.
    pub fn offer<S: Service>(&mut self, service: &S, db: Db) -> anyhow::Result<()> {
        let watched = self.serve_in_process(service, db)?;
        self.watched.push(watched);
        Ok(())
    }

    /// Starts the consumers and relays of all services. There is room for what every service hears before the first
    /// event is published: an event that nobody waits for is gone.
    pub async fn begin(&mut self) -> anyhow::Result<()> {
        let stop = self.lifecycle.stop_of(Stage::Background);
        let waiting = std::mem::take(&mut self.waiting);
        let consumers = || waiting.iter().flat_map(|(_, _, consumers)| consumers);
        let subscriptions: Vec<_> = consumers().map(|consumer| consumer.subscription().clone()).collect();
        self.bus.declare(&subscriptions).await?;
        for consumer in consumers().cloned() {
            let (bus, stop) = (self.bus.clone(), stop.clone());
            let name = format!("the consumer {}", consumer.subscription().consumer);
            self.lifecycle.spawn(Stage::Background, name, async move {
                Ok(bus.consume(consumer, stop).await?)
            });
        }
        for (name, relay, _) in waiting {
            let stop = stop.clone();
            self.lifecycle
                .spawn(Stage::Background, format!("the relay of {name}"), async move {
                    relay.run(stop).await;
                    Ok(())
                });
        }
        Ok(())
    }

    /// Opens the services that were started to the network, on one port.
    pub fn listen(&mut self, listener: TcpListener) -> anyhow::Result<()> {
        let address = listener.local_addr()?;
        tracing::info!(%address, "gRPC");
        let rpcs = std::mem::replace(&mut self.rpcs, Rpcs::new());
        let (served, health) = rpcs.finish(self.access())?;
        let stop = self.lifecycle.stop_of(Stage::Services);
        let watch = health::watch(self.watched.clone(), health, stop.clone());
        self.lifecycle
            .spawn(Stage::Services, "the health of the services", watch);
        self.lifecycle.spawn(
            Stage::Services,
            format!("gRPC on {address}"),
            served.on_tcp(listener, stop),
        );
        Ok(())
    }

    fn serve_in_process<S: Service>(&mut self, service: &S, db: Db) -> anyhow::Result<Watched> {
        let mut rpcs = Rpcs::new();
        service.register(&mut rpcs);
        let watched = Watched {
            db,
            names: rpcs.names().to_vec(),
        };
        let Some(place) = self.place_of(S::NAME) else {
            return Ok(watched);
        };
        let (served, health) = rpcs.finish(self.access())?;
        let stop = self.lifecycle.stop_of(Stage::Services);
        let watch = health::watch(vec![watched.clone()], health, stop.clone());
        self.lifecycle
            .spawn(Stage::Services, format!("the health of {}", S::NAME), watch);
        self.lifecycle
            .spawn(Stage::Services, format!("{} in process", S::NAME), async move {
                served.at(place, stop).await;
                Ok(())
            });
        Ok(watched)
    }

    fn access(&self) -> AccessLayer {
        AccessLayer::new(self.policies.clone(), self.verifier.clone())
    }

    /// Where a service that is to run here is called, for whoever serves it by hand.
    pub fn place_of(&mut self, service: &str) -> Option<Place> {
        let index = self.places.iter().position(|(name, _)| name == service)?;
        Some(self.places.swap_remove(index).1)
    }

    /// Tokens with which a service of this process calls others.
    pub fn tokens(&self, name: &str) -> ServiceTokens {
        ServiceTokens::new(name, self.secrets.service.clone(), self.clock.clone())
    }

    fn deps(&self, db: Db, keyring: Keyring, name: &str) -> Deps {
        Deps {
            db,
            cache: self.cache.clone(),
            bus: self.bus.clone(),
            files: self.files.clone(),
            mail: self.mail.clone(),
            push: self.push.clone(),
            clock: self.clock.clone(),
            upstreams: self.upstreams.clone(),
            tokens: self.tokens(name),
            token_secret: self.secrets.token.clone(),
            keyring,
            timezone: self.config.base.timezone,
            public_url: self.public_url.clone(),
            stopping: self.stopping.clone(),
        }
    }
}

/// Opens the database of one service; an embedded one that cannot be written says so in one sentence.
pub async fn open_database(config: &Config, stores: &Stores, service: &str) -> Result<Db, port::OpenError> {
    Db::open(&stores.database_of(service), config.base.database_connections).await
}

/// Makes the folder of the embedded stores, for this user alone: signing keys and mail lie in it.
pub(crate) fn private_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// A verifier that hears which sessions end, for as long as services run here.
fn followed_verifier(
    upstreams: &Upstreams,
    secrets: &Secrets,
    clock: &Clock,
    lifecycle: &mut Lifecycle,
) -> anyhow::Result<Verifier> {
    let (Some(keys), Some(streams)) = (upstreams.channel(KEYS), upstreams.channel_for_streams(KEYS)) else {
        anyhow::bail!(
            "no way to the service {KEYS}: give its address as upstreams.{KEYS}, for example http://{KEYS}:9000"
        );
    };
    let verifier = Verifier::new(TokensClient::new(keys), secrets.clone(), clock.clone());
    let (follower, stop) = (verifier.clone(), lifecycle.stop_of(Stage::Services));
    lifecycle.spawn(Stage::Services, "the news of ended sessions", async move {
        follower.follow(TokensClient::new(streams), stop).await;
        Ok(())
    });
    Ok(verifier)
}

fn secrets(base: &Base) -> anyhow::Result<Secrets> {
    let token: Option<TokenSecret> = base.token_secret().map_err(anyhow::Error::msg)?;
    let service = service_secret(base)?;
    Ok(Secrets { service, token })
}

/// One process makes its own secret; services of several processes must be given the same.
fn service_secret(base: &Base) -> anyhow::Result<ServiceSecret> {
    match &base.service_secret {
        Some(secret) => ServiceSecret::new(secret.0.clone()).map_err(|why| anyhow::anyhow!("service_secret {why}")),
        None if base.is_alone() => Ok(ServiceSecret::random()),
        None => anyhow::bail!(
            "service_secret is needed: services of several processes prove themselves to each other with it"
        ),
    }
}

fn upstreams(base: &Base, here: &[&str]) -> anyhow::Result<(Upstreams, Vec<(String, Place)>)> {
    let mut builder = Upstreams::builder();
    let places = here
        .iter()
        .map(|name| ((*name).to_owned(), builder.local(name)))
        .collect();
    for (name, url) in &base.upstreams {
        if !here.contains(&name.as_str()) {
            builder.remote(name, url).map_err(anyhow::Error::msg)?;
        }
    }
    Ok((builder.build(), places))
}

/// Where a service alone listens when nothing else is said.
pub const SERVED: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), 9000);

/// Runs one service alone: the whole of its `main`.
pub fn main<S: Service>() -> ExitCode {
    match runtime().and_then(|runtime| runtime.block_on(alone::<S>())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error:#}", S::NAME);
            ExitCode::FAILURE
        }
    }
}

async fn alone<S: Service>() -> anyhow::Result<()> {
    let mut config = Loader::new(sections()).load()?;
    let listen = *config.base.grpc_listen.get_or_insert(SERVED);
    let _telemetry = telemetry::init(S::NAME, &config.base.log, config.base.otlp_endpoint.as_deref())?;
    let listener = bind(listen).await?;
    let mut host = Host::open(config, &[S::NAME]).await?;
    let (service, db) = host.create::<S>().await?;
    host.start(service, db)?;
    host.begin().await?;
    host.listen(listener)?;
    host.lifecycle.run(told_to_stop()).await
}

/// The sections that a configuration file may have beside the top level: one a service of the contract, and the gateway's.
pub fn sections() -> Vec<String> {
    let services = contract::pool()
        .services()
        .filter_map(|service| service.methods().next().and_then(|method| contract::owner(&method)));
    let mut sections: Vec<String> = services.chain(["gateway".to_owned(), "limits".to_owned()]).collect();
    sections.sort_unstable();
    sections.dedup();
    sections
}

/// The runtime of a process, with the one provider of TLS, and the one of tokens' signatures, that everything in it uses.
pub fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    signature::install();
    // Only fails when it was installed before, which is what is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.enable_all().thread_keep_alive(Duration::from_secs(10));
    Ok(builder.build()?)
}
