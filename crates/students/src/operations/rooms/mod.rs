//! Rooms and the blocks they stand in.

pub(crate) mod create;
pub(crate) mod list;
pub(crate) mod locate;
pub(crate) mod read;
pub(crate) mod remove;
pub(crate) mod update;
