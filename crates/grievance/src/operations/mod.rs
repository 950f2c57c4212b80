//! One file a verb: load → decide by the domain → store with the event → commit.

pub(crate) mod change;
pub(crate) mod close;
pub(crate) mod comments;
pub(crate) mod copies;
pub(crate) mod figures;
pub(crate) mod images;
pub(crate) mod late;
pub(crate) mod merge;
pub(crate) mod privacy;
pub(crate) mod raise;
pub(crate) mod rate;
pub(crate) mod read;
pub(crate) mod reopen;
pub(crate) mod resolve;
pub(crate) mod seed;
pub(crate) mod step;
pub(crate) mod view;

use std::sync::Arc;

use chrono::{DateTime, Datelike as _, Utc};
use chrono_tz::Tz;
use kit::{
    Clock, Db,
    access::ServiceTokens,
    files::Files,
    idempotency::Answers,
    keyring::{Sealer, Signer},
    service::Deps,
    turns::Turns,
    upstream::Upstreams,
};
use proto::options::Role;
use url::Url;

use crate::{Config, domain::Calendar, group::Group, operations::images::arriving::Arriving};

/// So many pictures are written anew at once: each takes as much memory as everything else together.
const PICTURES_AT_ONCE: usize = 1;
/// So many are handed out at once: each is in memory until its last piece is gone.
const LEAVING_AT_ONCE: usize = 8;
const BUSY: &str = "Many pictures are on their way, try again shortly";

/// What the operations work with.
pub(crate) struct App {
    pub db: Db,
    pub clock: Clock,
    pub config: Config,
    /// Where pictures lie, and copies of what is held of somebody are put.
    pub files: Arc<dyn Files>,
    /// A year is the hostel's year.
    pub timezone: Tz,
    /// When the hostel works.
    pub calendar: Calendar,
    /// The roles that are told who raised a sensitive grievance.
    pub named: Vec<Role>,
    /// Seals pictures.
    pub pictures: Sealer,
    /// Grievances on their way in are written together.
    pub group: Group,
    /// Pictures on their way in are held in memory.
    pub arriving: Arriving,
    /// Pictures on their way out are, too.
    pub leaving: Turns,
    /// Writing a picture anew takes memory and a thread.
    pub darkroom: Turns,
    /// Signs links to pictures.
    pub links: Signer,
    /// Seals answers that are kept for repeated requests.
    pub answers: Answers,
    pub upstreams: Upstreams,
    pub tokens: ServiceTokens,
    /// Where links begin.
    pub public_url: Url,
}

impl App {
    pub(crate) fn new(deps: Deps, config: Config) -> anyhow::Result<Self> {
        Ok(Self {
            calendar: config.calendar(deps.timezone)?,
            named: config.sensitive_roles(),
            pictures: deps.keyring.sealer("grievance/pictures"),
            group: Group::new(),
            arriving: Arriving::new(),
            darkroom: Turns::new(PICTURES_AT_ONCE, BUSY),
            leaving: Turns::new(LEAVING_AT_ONCE, BUSY),
            links: deps.keyring.signer("grievance/links"),
            answers: Answers::new(deps.keyring.sealer("grievance/answers")),
            db: deps.db,
            clock: deps.clock,
            config,
            files: deps.files,
            timezone: deps.timezone,
            upstreams: deps.upstreams,
            tokens: deps.tokens,
            public_url: deps.public_url,
        })
    }

    /// The hostel's year at a time.
    pub(crate) fn year(&self, at: DateTime<Utc>) -> i32 {
        at.with_timezone(&self.timezone).year()
    }

    /// How long after it was resolved a grievance may be reopened.
    pub(crate) fn reopen_within(&self) -> chrono::Duration {
        chrono::Duration::days(self.config.reopen_days.into())
    }
}
