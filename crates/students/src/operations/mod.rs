//! One file a verb: load → decide by the domain → store with the event → commit.

pub(crate) mod accounts;
pub(crate) mod change;
pub(crate) mod deactivate;
pub(crate) mod documents;
pub(crate) mod download;
pub(crate) mod import;
pub(crate) mod list;
pub(crate) mod move_room;
pub(crate) mod privacy;
pub(crate) mod register;
pub(crate) mod reseal;
pub(crate) mod rooms;
pub(crate) mod seed;
pub(crate) mod settle;

use std::sync::Arc;

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
use url::Url;

use crate::Config;

/// What the operations work with.
pub(crate) struct App {
    pub db: Db,
    pub clock: Clock,
    pub config: Config,
    pub files: Arc<dyn Files>,
    /// Phones and addresses.
    pub private: Sealer,
    /// Answers that are kept for repeated requests.
    pub answers: Answers,
    /// Links to documents.
    pub links: Signer,
    /// A picture that is being decoded takes much memory.
    pub thumbnails: Turns,
    pub sheets: Turns,
    pub archives: Turns,
    pub upstreams: Upstreams,
    pub tokens: ServiceTokens,
    /// Where links begin.
    pub public_url: Url,
}

impl App {
    pub(crate) fn new(deps: Deps, config: Config) -> Self {
        Self {
            private: deps.keyring.sealer("students/private"),
            answers: Answers::new(deps.keyring.sealer("students/answers")),
            links: deps.keyring.signer("students/links"),
            thumbnails: Turns::new(1, "Many photos are being added at the moment, try again shortly"),
            sheets: Turns::new(2, "Many files are being imported at the moment, try again shortly"),
            archives: Turns::new(4, "Many exports are being made at the moment, try again shortly"),
            db: deps.db,
            clock: deps.clock,
            config,
            files: deps.files,
            upstreams: deps.upstreams,
            tokens: deps.tokens,
            public_url: deps.public_url,
        }
    }
}
