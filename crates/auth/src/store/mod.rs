//! Every query of this service. Rows become domain types here; entities are private to this room.

mod entity;
mod migration;
pub(crate) mod session;
pub(crate) mod signing_key;
pub(crate) mod user;

pub use migration::Migrator;
