//! One file a verb.

pub(crate) mod export;
pub(crate) mod list;
pub(crate) mod part;
pub(crate) mod record;
pub(crate) mod verify;

use kit::Db;

/// What the operations work with.
pub(crate) struct App {
    pub db: Db,
}
