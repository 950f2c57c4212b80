//! The gateway over real HTTP, before a service that exists for these tests alone.

#![expect(clippy::unwrap_used, reason = "tests say what went wrong by panicking")]

mod cookies;
mod downloads;
mod faults;
mod front;
mod limits;
mod pages;
mod rules;
mod streams;
mod tokens;
mod trial;
mod unary;
mod uploads;
mod world;
