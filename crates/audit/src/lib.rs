//! The audit trail: every domain event of every service, in a chain of hashes that shows whether anybody rewrote it.
//!
//! This service owns the entries and hears everything. It refuses to change or remove an entry; personal details can be
//! erased without breaking the chain, because the chain covers their digest.
//!
//! To add an operation: declare the rpc in `proto/hostelpulse/audit/v1`, write the rule in [`domain`], one file in
//! `operations`, its queries in `store`, and three lines in `rpc`.

mod config;
pub mod domain;
mod error;
mod heard;
mod operations;
mod rpc;
mod service;
mod store;

pub use config::Config;
pub use error::Error;
pub use service::Audit;
pub use store::Migrator;
