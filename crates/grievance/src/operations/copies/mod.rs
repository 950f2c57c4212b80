//! Copies of what other services keep.

pub(crate) mod rebuild;
