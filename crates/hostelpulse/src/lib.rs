//! Everything in one binary: all services in one process, some of them for a container, and the operator's commands.

pub mod cli;
mod commands;
mod compose;
mod demo;

pub use commands::run;
pub use compose::{Composed, Gateways, SERVICES, Service, SetupToken, loader, run_services};
