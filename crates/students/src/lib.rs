//! Students, the rooms and blocks that they live in, and their documents.
//!
//! This service owns the records of students; the account that a student signs in with belongs to auth, and has the student's
//! id. It refuses to let more people live in a room than it holds, to lose who lived where, and to keep a file that is not
//! what it says it is. Phones and addresses are sealed at rest and told to nobody but wardens and the student.
//!
//! To add an operation: declare the rpc in `proto/hostelpulse/students/v1`, write the rule in [`domain`], one file in
//! `operations`, its queries in `store`, and three lines in `rpc`.

mod config;
pub mod domain;
mod error;
mod events;
mod jobs;
mod operations;
mod rpc;
mod service;
mod store;
pub mod thumbnail;

pub use config::Config;
pub use error::Error;
pub use operations::documents::reconcile::Reconciled;
pub use operations::seed::{Beginning, NewBlock, NewRoom, NewStudent, SeedError};
pub use service::Students;
pub use store::Migrator;
