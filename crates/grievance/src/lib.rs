//! Grievances: raised by students, worked on by staff, decided by wardens, each with a number and a time by which it is due.
//!
//! This service owns tickets, their pictures, what is said about them and every change of them. What it needs of students and staff it
//! keeps as copies fed by events. It refuses changes of what has changed meanwhile, numbers nothing twice and leaves no gap, never
//! overwrites history, and tells nobody who raised what is sensitive but those who have to know.
//!
//! To add an operation: declare the rpc in `proto/hostelpulse/grievance/v1`, write the rule in [`domain`], one file in
//! `operations`, its queries in `store`, and three lines in `rpc`.

mod config;
pub mod domain;
mod error;
mod events;
mod group;
mod heard;
mod jobs;
mod operations;
mod picture;
mod rpc;
mod service;
mod store;

pub use config::{Category, Config, Workdays};
pub use error::Error;
pub use operations::seed::SeedGrievance;
pub use service::Grievances;
pub use store::Migrator;
