//! Documents: what is kept of files, who gets them, and that nothing is left of what was not kept.

mod added;
mod broken;
pub(crate) mod files;
pub(crate) mod fixture;
mod links;
mod photos;
mod reconciled;
mod replaced;
mod s3_server;
