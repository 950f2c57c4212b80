//! The documents of leaves: files are streamed through the inspector into the file store, and kept or given up as a whole.
//!
//! The key of an object is committed before the object is stored, and forgotten after it is gone. So whatever breaks off in between,
//! the job finds what is left.

pub(crate) mod add;
pub(crate) mod download;
pub(crate) mod links;
pub(crate) mod read;
