//! One file a verb: load → decide by the domain → store with the event → commit.

pub(crate) mod calendar;
pub(crate) mod chain;
pub(crate) mod copies;
pub(crate) mod decisions;
pub(crate) mod documents;
pub(crate) mod extend;
pub(crate) mod gate;
pub(crate) mod guardian;
pub(crate) mod privacy;
pub(crate) mod requests;
pub(crate) mod reseal;
pub(crate) mod seed;
pub(crate) mod shown;

use std::sync::Arc;

use chrono::NaiveDate;
use chrono_tz::Tz;
use kit::{
    Clock, Db,
    access::ServiceTokens,
    files::Files,
    idempotency::Answers,
    keyring::{Sealer, Signer},
    mail::Mail,
    service::Deps,
    upstream::Upstreams,
};
use url::Url;

use crate::Config;

/// What the operations work with.
pub(crate) struct App {
    pub db: Db,
    pub clock: Clock,
    pub config: Config,
    pub files: Arc<dyn Files>,
    pub mail: Arc<dyn Mail>,
    /// A day is the hostel's day.
    pub timezone: Tz,
    /// What students and approvers say, and guardians' addresses.
    pub private: Sealer,
    /// Answers that are kept for repeated requests.
    pub answers: Answers,
    /// Links to documents.
    pub links: Signer,
    pub upstreams: Upstreams,
    pub tokens: ServiceTokens,
    /// Where links begin.
    pub public_url: Url,
}

impl App {
    pub(crate) fn new(deps: Deps, config: Config) -> Self {
        Self {
            private: deps.keyring.sealer("leave/private"),
            answers: Answers::new(deps.keyring.sealer("leave/answers")),
            links: deps.keyring.signer("leave/links"),
            db: deps.db,
            clock: deps.clock,
            config,
            files: deps.files,
            mail: deps.mail,
            timezone: deps.timezone,
            upstreams: deps.upstreams,
            tokens: deps.tokens,
            public_url: deps.public_url,
        }
    }

    /// The hostel's day.
    pub(crate) fn today(&self) -> NaiveDate {
        self.clock.now().with_timezone(&self.timezone).date_naive()
    }
}
