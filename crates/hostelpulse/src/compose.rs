//! Which services there are, and how a process is put together from some of them.

use std::{fmt, str::FromStr, sync::Arc};

use gateway::{Bound, Gateway, Raw, StaticFile};
use kit::{
    cache::Limiter,
    config::{Config, Loader},
    contract,
    service::{Host, Service as _, Stage, bind},
    telemetry::Telemetry,
};
use serde_json::Value;
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::{cli::Flags, demo};

/// What stands behind the `#` of the link with which somebody becomes the first administrator.
pub type SetupToken = String;

/// A process that was put together.
pub struct Composed {
    pub host: Host,
    /// Where the gateway listens.
    pub listens: Option<std::net::SocketAddr>,
    /// Where there are no users yet.
    pub setup: Option<SetupToken>,
}

/// One of the services of this installation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Service {
    Auth,
    Students,
    Attendance,
    Leave,
    Grievance,
    Audit,
}

/// All of them, in the order in which they start.
pub const SERVICES: [Service; 6] = [
    Service::Auth,
    Service::Students,
    Service::Attendance,
    Service::Leave,
    Service::Grievance,
    Service::Audit,
];

/// What a process runs beside its services.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Gateways {
    pub gateway: bool,
    pub demo: bool,
}

/// What services that start earlier leave for what starts later.
#[derive(Default)]
struct Begun {
    setup: Option<SetupToken>,
    /// The demo's accounts: their addresses and ids.
    accounts: Vec<(String, Uuid)>,
}

impl Service {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auth => auth::Auth::NAME,
            Self::Students => students::Students::NAME,
            Self::Attendance => attendance::Attendance::NAME,
            Self::Leave => leave::LeaveService::NAME,
            Self::Grievance => grievance::Grievances::NAME,
            Self::Audit => audit::Audit::NAME,
        }
    }

    /// The services whose records it keeps a copy of, or is made to agree with.
    pub const fn reads(self) -> &'static [&'static str] {
        match self {
            Self::Auth => auth::Auth::READS,
            Self::Students => students::Students::READS,
            Self::Attendance => attendance::Attendance::READS,
            Self::Leave => leave::LeaveService::READS,
            Self::Grievance => grievance::Grievances::READS,
            Self::Audit => audit::Audit::READS,
        }
    }

    /// Refuses a database that is newer than this program, before the first one is changed.
    async fn refuse_newer_database(self, host: &Host) -> anyhow::Result<()> {
        match self {
            Self::Auth => host.refuse_newer_database::<auth::Auth>().await,
            Self::Students => host.refuse_newer_database::<students::Students>().await,
            Self::Attendance => host.refuse_newer_database::<attendance::Attendance>().await,
            Self::Leave => host.refuse_newer_database::<leave::LeaveService>().await,
            Self::Grievance => host.refuse_newer_database::<grievance::Grievances>().await,
            Self::Audit => host.refuse_newer_database::<audit::Audit>().await,
        }
    }

    /// Creates and starts the service.
    async fn start(self, host: &mut Host, with: Gateways, begun: &mut Begun) -> anyhow::Result<()> {
        match self {
            Self::Auth => {
                let mut config: auth::Config = host.config.section(auth::Auth::NAME)?;
                if with.demo {
                    // The demo brings its own administrator.
                    (config.admin_email, config.admin_password) = (None, None);
                }
                let (auth, db) = host.create_with::<auth::Auth>(config).await?;
                if with.demo {
                    begun.accounts = auth.seed(demo::accounts(), demo::PASSWORD).await?;
                }
                // Only where the link leads somewhere: a process without a gateway has no page.
                begun.setup = if with.gateway { auth.setup_token().await? } else { None };
                host.start(auth, db)?;
            }
            Self::Students => {
                let (students, db) = host.create::<students::Students>().await?;
                if with.demo {
                    students.seed(demo::beginning(begun.accounts.clone())).await?;
                }
                host.start(students, db)?;
            }
            Self::Attendance => {
                let (attendance, db) = host.create::<attendance::Attendance>().await?;
                host.start(attendance, db)?;
            }
            Self::Leave => {
                let (leave, db) = host.create::<leave::LeaveService>().await?;
                if with.demo {
                    leave.seed(demo::leaves(&begun.accounts)).await?;
                }
                host.start(leave, db)?;
            }
            Self::Grievance => {
                let (grievance, db) = host.create::<grievance::Grievances>().await?;
                if with.demo {
                    grievance.seed(demo::grievances(&begun.accounts)).await?;
                }
                host.start(grievance, db)?;
            }
            Self::Audit => {
                let (audit, db) = host.create::<audit::Audit>().await?;
                host.start(audit, db)?;
            }
        }
        Ok(())
    }
}

impl FromStr for Service {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = SERVICES.into_iter().find(|service| service.name() == name);
        known.ok_or_else(|| format!("expected one of {}", SERVICES.map(Service::name).join(", ")))
    }
}

impl fmt::Display for Service {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.name())
    }
}

/// Where the set-up link leads. The page posts what the link's token allows, and nothing without it.
const SETUP_PAGE: [StaticFile; 2] = [
    StaticFile {
        path: "/setup",
        media_type: "text/html; charset=utf-8",
        content: include_str!("../pages/setup.html"),
    },
    StaticFile {
        path: "/setup.js",
        media_type: "text/javascript; charset=utf-8",
        content: include_str!("../pages/setup.js"),
    },
];

/// Where the configuration of this binary comes from.
pub fn loader(file: Option<std::path::PathBuf>, flags: Flags) -> Loader {
    Loader::new(kit::service::sections())
        .alias("admin_email", "auth.admin_email")
        .alias("admin_password", "auth.admin_password")
        .file(file)
        .flag("listen", flags.listen)
        .flag("data", flags.data.map(|folder| folder.display().to_string()))
        .flag("database_url", flags.database_url)
        .flag("cache_url", flags.cache_url)
        .flag("bus_url", flags.bus_url)
        .flag("files_url", flags.files_url)
        .flag("mail_url", flags.mail_url)
        .flag("push_url", flags.push_url)
}

/// The sections of everything that this binary runs, each valid by itself.
pub(crate) fn sections(config: &Config) -> anyhow::Result<Vec<(&'static str, Value)>> {
    let gateway: gateway::Config = config.section("gateway")?;
    gateway.validate().map_err(anyhow::Error::msg)?;
    Ok(vec![
        ("gateway", serde_json::to_value(gateway)?),
        (
            "limits",
            serde_json::to_value(config.section::<gateway::Limits>("limits")?)?,
        ),
        (auth::Auth::NAME, section::<auth::Auth>(config)?),
        (students::Students::NAME, section::<students::Students>(config)?),
        (attendance::Attendance::NAME, section::<attendance::Attendance>(config)?),
        (leave::LeaveService::NAME, section::<leave::LeaveService>(config)?),
        (grievance::Grievances::NAME, section::<grievance::Grievances>(config)?),
        (audit::Audit::NAME, section::<audit::Audit>(config)?),
    ])
}

fn section<S: kit::service::Service>(config: &Config) -> anyhow::Result<Value> {
    let section = config.section::<S::Config>(S::NAME)?;
    S::check(&section)?;
    Ok(serde_json::to_value(section)?)
}

/// A bus in memory reaches nobody in another process: events would be gone without a word.
fn refuse_a_bus_that_nobody_shares(config: &Config, services: &[Service]) -> anyhow::Result<()> {
    let stores = config.base.stores().map_err(anyhow::Error::msg)?;
    let alone = stores.bus.scheme() == "memory" && !services.is_empty() && services.len() < SERVICES.len();
    anyhow::ensure!(
        !alone,
        "bus_url is needed: services of several processes hear each other only over a shared bus"
    );
    Ok(())
}

/// Puts a process together from services and, if asked for, the gateway. Nothing is served before everything is checked.
pub async fn run_services(
    mut config: Config,
    telemetry: Option<&Telemetry>,
    services: &[Service],
    with: Gateways,
) -> anyhow::Result<Composed> {
    sections(&config)?;
    // Ports first: that one is taken is found before any store is touched.
    let outside = if with.gateway {
        let listener = bind(config.base.listen).await?;
        // Port 0 is any free one: links are to begin with the one that it turned out to be.
        config.base.listen = listener.local_addr()?;
        Some(listener)
    } else {
        None
    };
    let inside = match config.base.grpc_listen {
        Some(address) => Some(bind(address).await?),
        None => None,
    };
    refuse_a_bus_that_nobody_shares(&config, services)?;
    let here: Vec<&str> = services.iter().map(|service| service.name()).collect();
    let mut host = Host::open(config, &here).await?;
    let gateway = outside
        .map(|listener| open_gateway(&host, telemetry, listener))
        .transpose()?;
    for service in services {
        service.refuse_newer_database(&host).await?;
    }
    let mut begun = Begun::default();
    for service in services {
        service.start(&mut host, with, &mut begun).await?;
    }
    host.begin().await?;
    if let Some(listener) = inside {
        host.listen(listener)?;
    }
    let mut listens = None;
    if let Some(gateway) = gateway {
        listens = Some(gateway.address());
        host.lifecycle.drain_for(gateway.drain());
        let stop = host.lifecycle.stop_of(Stage::Edge);
        host.lifecycle.spawn(Stage::Edge, "the gateway", async move {
            Ok(gateway.run(stop.cancelled_owned()).await?)
        });
    }
    Ok(Composed {
        host,
        listens,
        setup: begun.setup,
    })
}

/// Checks the contract and everything else that the gateway needs, before a database is touched.
fn open_gateway(host: &Host, telemetry: Option<&Telemetry>, listener: TcpListener) -> anyhow::Result<Bound> {
    let mut config: gateway::Config = host.config.section("gateway")?;
    config.limits = host.config.section("limits")?;
    let jwks = Raw {
        path: "/.well-known/jwks.json".to_owned(),
        rpc: "hostelpulse.auth.v1.Tokens.Jwks".to_owned(),
        field: "jwks".to_owned(),
    };
    let deps = gateway::Deps {
        pool: contract::pool().clone(),
        upstreams: host.upstreams.clone(),
        verifier: host.verifier.clone(),
        service_tokens: host.tokens("gateway"),
        limiter: Arc::new(Limiter::new(host.cache.clone(), host.clock.clone())),
        clock: host.clock.clone(),
        metrics: telemetry.map(|telemetry| {
            let metrics = telemetry.metrics.clone();
            Arc::new(move || metrics.render()) as gateway::MetricsText
        }),
        raw: vec![jwks],
        files: SETUP_PAGE.to_vec(),
        info: gateway::openapi::Info {
            title: "HostelPulse".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..gateway::openapi::Info::default()
        },
    };
    Ok(Gateway::create(deps, config)?.listen(listener.into_std()?)?)
}
