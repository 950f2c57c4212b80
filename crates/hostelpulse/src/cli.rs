//! The command line.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use url::Url;
use uuid::Uuid;

use crate::Service;

/// HostelPulse: the system that a hostel or campus runs on.
#[derive(Debug, Parser)]
#[command(version, about, long_about = None, arg_required_else_help = true)]
pub struct Cli {
    /// Configuration file; without it `hostelpulse.toml` of the working folder, where there is one.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run every service and the gateway in this process.
    #[command(after_help = "Example:\n  hostelpulse up --demo --listen 127.0.0.1:8080")]
    Up(Up),
    /// Run one or some of the services, or the gateway, for a container.
    #[command(
        after_help = "Example:\n  HOSTELPULSE_GRPC_LISTEN=0.0.0.0:9000 hostelpulse serve auth students attendance leave grievance audit"
    )]
    Serve {
        /// `auth`, `students`, `attendance`, `leave`, `grievance`, `audit`, `gateway`.
        #[arg(required = true, value_name = "SERVICE")]
        services: Vec<Served>,
        #[command(flatten)]
        flags: Flags,
    },
    /// Bring databases up to date; all of them unless some are named.
    #[command(
        after_help = "Example:\n  hostelpulse migrate auth --database-url postgres://hp@db/hostelpulse_{service}"
    )]
    Migrate {
        #[arg(value_name = "SERVICE")]
        services: Vec<Service>,
        #[command(flatten)]
        flags: Flags,
    },
    /// Show or check the configuration.
    #[command(subcommand, after_help = "Example:\n  hostelpulse config show")]
    Config(ConfigCommand),
    /// Look after domain events.
    #[command(subcommand, after_help = "Example:\n  hostelpulse events parked")]
    Events(EventsCommand),
    /// Look after accounts.
    #[command(
        subcommand,
        after_help = "Example:\n  hostelpulse users create-admin --email admin@hostel.example --name \"Front Office\""
    )]
    Users(UsersCommand),
    /// Look after what services keep of each other's records.
    #[command(subcommand, after_help = "Example:\n  hostelpulse projections rebuild auth")]
    Projections(ProjectionsCommand),
    /// Look after the keys: those that access tokens are signed with, and those that data is sealed with.
    #[command(subcommand, after_help = "Example:\n  hostelpulse keys rotate")]
    Keys(KeysCommand),
}

/// Every service in this process.
#[derive(Debug, Args)]
pub struct Up {
    /// Begin with the demo: a user a role and 40 students. Refused in a database that holds real users.
    #[arg(long)]
    pub demo: bool,
    #[command(flatten)]
    pub flags: Flags,
}

/// Values that stand above file and environment.
#[derive(Clone, Debug, Default, Args)]
pub struct Flags {
    /// Where the gateway listens.
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// Folder of the embedded stores.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// `sqlite://…` or `postgres://…`, `{service}` standing for the service's name.
    #[arg(long, value_name = "URL")]
    pub database_url: Option<String>,
    /// `memory://` or `redis://…`.
    #[arg(long, value_name = "URL")]
    pub cache_url: Option<Url>,
    /// `memory://` or `amqp://…`.
    #[arg(long, value_name = "URL")]
    pub bus_url: Option<Url>,
    /// `file://…` or `s3://bucket?endpoint=…`.
    #[arg(long, value_name = "URL")]
    pub files_url: Option<Url>,
    /// `log://` or `smtp://…`.
    #[arg(long, value_name = "URL")]
    pub mail_url: Option<Url>,
    /// `log://` or `fcm://project`.
    #[arg(long, value_name = "URL")]
    pub push_url: Option<Url>,
}

/// What `serve` runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Served {
    Gateway,
    Service(Service),
}

impl std::str::FromStr for Served {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        if name == "gateway" {
            return Ok(Self::Gateway);
        }
        name.parse()
            .map(Self::Service)
            .map_err(|error| format!("{error}, or gateway"))
    }
}

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Every value, secrets masked, and where it comes from.
    Show {
        #[command(flatten)]
        flags: Flags,
    },
    /// Say whether the configuration is valid.
    Check {
        #[command(flatten)]
        flags: Flags,
    },
}

#[derive(Debug, Subcommand)]
pub enum EventsCommand {
    /// List the events that a consumer gave up on.
    Parked {
        #[command(flatten)]
        flags: Flags,
    },
    /// Show one parked event whole.
    Show {
        /// The event's id.
        id: Uuid,
        #[command(flatten)]
        flags: Flags,
    },
    /// Give parked events to their consumers again, or publish past events of the ledgers again.
    #[command(group = clap::ArgGroup::new("what").required(true).args(["id", "all", "since"]))]
    Replay {
        /// The id of a parked event.
        id: Option<Uuid>,
        /// Every parked event.
        #[arg(long)]
        all: bool,
        /// Publish every event since this time again (RFC 3339); consumers that know it pass over it.
        #[arg(long, value_name = "TIME")]
        since: Option<chrono::DateTime<chrono::Utc>>,
        #[command(flatten)]
        flags: Flags,
    },
}

#[derive(Debug, Subcommand)]
pub enum UsersCommand {
    /// Create an administrator. The password is read from standard input.
    CreateAdmin {
        #[arg(long)]
        email: String,
        #[arg(long, default_value = "Administrator")]
        name: String,
        #[command(flatten)]
        flags: Flags,
    },
}

/// Which keys are rotated.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Rotated {
    Tokens,
    Data,
}

#[derive(Debug, Subcommand)]
pub enum ProjectionsCommand {
    /// Read anew what a service keeps of others. Works beside a running HostelPulse, and as often as wanted.
    #[command(
        after_help = "Example:\n  hostelpulse projections rebuild auth --database-url postgres://hp@db/hostelpulse_{service}"
    )]
    Rebuild {
        #[arg(value_name = "SERVICE")]
        service: Service,
        #[command(flatten)]
        flags: Flags,
    },
}

#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Sign and seal with new keys from now on; nobody is signed out and nothing is lost. Works beside a running HostelPulse.
    #[command(
        after_help = "Examples:\n  hostelpulse keys rotate\n  hostelpulse keys rotate data\n  hostelpulse keys rotate tokens --database-url postgres://hp@db/hostelpulse_{service}"
    )]
    Rotate {
        /// `tokens`: what access tokens are signed with. `data`: the master keys, what values are sealed with. Without it,
        /// both.
        #[arg(value_enum)]
        what: Option<Rotated>,
        #[command(flatten)]
        flags: Flags,
    },
}
