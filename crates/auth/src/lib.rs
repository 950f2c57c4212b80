//! Accounts and signing in: who people are, what they may do, and the tokens that prove it.
//!
//! This service owns users, their passwords, their sessions and the keys that access tokens are signed with. It refuses
//! to know more: a student's room or phone number belongs to the students service.
//!
//! To add an operation: declare the rpc in `proto/hostelpulse/auth/v1`, write the rule in [`domain`], one file in
//! `operations`, its queries in `store`, and three lines in `rpc`.

mod config;
pub mod domain;
mod error;
mod events;
mod hashing;
mod heard;
mod operations;
mod rpc;
mod service;
mod store;
mod tokens;

pub use config::Config;
pub use error::Error;
pub use operations::{
    keys::Rotation,
    seed::{NewAccount, SeedError},
};
pub use service::Auth;
pub use store::Migrator;
