//! Every query of this service. What a caller may see is decided in [`student::visible_to`] and, for rooms, in
//! `room::visible_to`, where every read for a caller starts.

pub(crate) mod block;
pub(crate) mod document;
pub(crate) mod download;
mod entity;
pub(crate) mod erased;
pub(crate) mod import;
pub(crate) mod intent;
mod migration;
pub(crate) mod resident;
pub(crate) mod room;
pub(crate) mod roster;
pub(crate) mod seed;
pub(crate) mod stay;
pub(crate) mod student;

pub use migration::Migrator;
