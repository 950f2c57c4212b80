//! Leaves: who may be away and when, who decides it, who is out of the gate.
//!
//! This service owns requests for leaves, what is decided on them, and the gate's movements. It refuses two leaves of one student on
//! one day, a second decision, and a document that is none. What it needs of students it keeps as copies fed by events; attendance
//! hears of every leave that is granted, changed or taken back.
//!
//! To add an operation: declare the rpc in `proto/hostelpulse/leave/v1`, write the rule in [`domain`], one file in `operations`,
//! its queries in `store`, and three lines in `rpc`.

mod config;
pub mod domain;
mod error;
mod events;
mod heard;
mod jobs;
mod operations;
mod rpc;
mod service;
mod store;

pub use config::{Config, Types};
pub use error::Error;
pub use operations::seed::FirstLeave;
pub use service::LeaveService;
pub use store::Migrator;
