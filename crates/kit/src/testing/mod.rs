//! What tests of every service need: fresh stores, a clock that stands still, tokens of every role.
//!
//! The same tests run on embedded stores and, with `HOSTELPULSE_TEST_STORES=servers`, on PostgreSQL, Redis and RabbitMQ.

mod answers;
mod behind;
mod contents;
mod forged;
mod keys;
mod rules;
mod server;
mod stores;
mod world;

pub use answers::{patiently, reason, told, until, wrong_fields};
pub use contents::contents;
pub use forged::forged_tokens;
pub use keys::Keys;
pub use rules::{Broken, broken, checked_by_service};
pub use server::Server;
pub use stores::TestStores;
pub use world::World;
