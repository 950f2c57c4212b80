//! Every query of this service. What a caller may see is decided in `ticket::visible_to`, where every read for a caller starts.

pub(crate) mod change;
pub(crate) mod comment;
mod entity;
pub(crate) mod image;
mod migration;
pub(crate) mod number;
pub(crate) mod pause;
pub(crate) mod person;
pub(crate) mod privacy;
pub(crate) mod student;
pub(crate) mod ticket;

use kit::db::{execute, statement};

pub use migration::Migrator;
