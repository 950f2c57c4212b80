//! Every query of this service. What a caller may see is decided in `leave::visible_to`, where every read for a caller starts.

pub(crate) mod asker;
pub(crate) mod day;
pub(crate) mod decision;
pub(crate) mod document;
mod entity;
pub(crate) mod guardian;
pub(crate) mod guardian_link;
pub(crate) mod leave;
mod migration;
pub(crate) mod movement;
pub(crate) mod privacy;
pub(crate) mod sealed;
pub(crate) mod student;

use kit::db::{execute, statement};

pub use migration::Migrator;
