//! Leaves: asked for, read, taken back.

pub(crate) mod ask;
pub(crate) mod cancel;
pub(crate) mod list;
