//! One file a verb: load → decide by the domain → store with the event → commit.

pub(crate) mod access_points;
pub(crate) mod copies;
pub(crate) mod devices;
pub(crate) mod flags;
pub(crate) mod keep;
pub(crate) mod live;
pub(crate) mod marks;
pub(crate) mod privacy;
pub(crate) mod report;
pub(crate) mod scan;
pub(crate) mod sessions;

use std::sync::Arc;

use chrono_tz::Tz;
use kit::{Clock, Db, access::ServiceTokens, files::Files, idempotency::Answers, service::Deps, upstream::Upstreams};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::{Config, group::Group, memory::Memory, token::Codes};

/// What the operations work with.
pub(crate) struct App {
    pub db: Db,
    pub clock: Clock,
    pub config: Config,
    /// Where copies of what is held of somebody are put.
    pub files: Arc<dyn Files>,
    /// A day is the hostel's day.
    pub timezone: Tz,
    pub codes: Codes,
    /// Seals answers that are kept for repeated requests.
    pub answers: Answers,
    /// Students and roll calls, so that a scan asks nobody.
    pub memory: Memory,
    /// Where scans are stored together.
    pub group: Group,
    pub upstreams: Upstreams,
    pub tokens: ServiceTokens,
    /// Where links begin.
    pub public_url: Url,
    /// Where reports are printed.
    pub press: report::print::Press,
    /// Rung after each commit that belongs to a roll call, so that whoever watches it hears at once.
    pub happened: live::Bell,
    /// Long streams end when this is cancelled.
    pub stopping: CancellationToken,
}

impl App {
    pub(crate) fn new(deps: Deps, config: Config) -> Self {
        Self {
            codes: Codes::new(&deps.keyring),
            answers: Answers::new(deps.keyring.sealer("attendance/answers")),
            memory: Memory::new(),
            group: Group::new(&config),
            db: deps.db,
            clock: deps.clock,
            files: deps.files,
            config,
            timezone: deps.timezone,
            upstreams: deps.upstreams,
            tokens: deps.tokens,
            public_url: deps.public_url,
            press: report::print::Press::default(),
            happened: live::Bell::default(),
            stopping: deps.stopping,
        }
    }
}
