//! Roll calls: sessions with a code that changes all the time, scans, what counts as presence, and reports.
//!
//! This service owns QR signing, proximity and marks. What it needs of students, blocks and leaves it keeps as copies fed by
//! events, so that scanning needs no other service alive. It refuses codes that it did not make, marks the same student once, keeps
//! every try, and never overwrites history.
//!
//! To add an operation: declare the rpc in `proto/hostelpulse/attendance/v1`, write the rule in [`domain`], one file in
//! `operations`, its queries in `store`, and three lines in `rpc`.

mod config;
pub mod domain;
mod error;
mod events;
mod group;
mod heard;
mod jobs;
mod memory;
mod operations;
mod picture;
mod rpc;
mod service;
mod store;
mod telling;
pub mod token;

pub use config::Config;
pub use error::Error;
pub use service::Attendance;
pub use store::Migrator;
