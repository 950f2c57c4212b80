//! Documents: files are streamed through the inspector into the file store, and kept or given up as a whole.
//!
//! The key of an object is committed before the object is stored, and forgotten after it is gone. So whatever breaks off
//! in between, [`reconcile`] finds what is left.

pub(crate) mod add;
pub(crate) mod delete;
pub(crate) mod download;
pub(crate) mod links;
pub(crate) mod list;
mod places;
pub(crate) mod reconcile;
pub(crate) mod remove;
mod thumbnails;
