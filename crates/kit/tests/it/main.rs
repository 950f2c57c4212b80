//! The kit against real stores: one suite a port, for every adapter.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests are tests too, and clippy does not know it"
)]

mod access;
mod cache;
mod copies;
mod db;
mod events;
mod files;
mod host;
mod keyring;
mod log;
mod mail;
mod push;
mod upstream;
