//! What every service stands on, and nothing that only one of them needs.
//!
//! The kit knows no business word: it moves messages, rows, files and events without knowing what they are about.
//! Something moves in here when a second service needs it.
//!
//! | room | what lives there |
//! |---|---|
//! | [`contract`] | the compiled protos and our options on them, read once |
//! | [`json`] | protobuf messages as JSON and back, by the conventions of the API |
//! | [`fault`] | the one error that crosses an rpc boundary |
//! | [`access`] | who is calling, and whether they may |
//! | [`service`] | a service's life: gRPC server, drain, stop |
//! | [`upstream`] | one channel a service, in process or over the network |
//! | [`copies`] | reading all records of another service |
//! | [`contact`] | what people are called and written to |
//! | [`id`] | ids as requests name them |
//! | [`csv`] | cells that no spreadsheet takes for formulas |
//! | [`config`] | defaults, file, environment, flags; unknown keys refused |
//! | [`clock`] | the only source of time and of new ids |
//! | [`db`] | the database port: PostgreSQL or SQLite by URL |
//! | [`events`] | outbox, relay, bus, inbox |
//! | [`cache`], [`files`], [`mail`], [`push`] | the other ports, two adapters each |
//! | [`keyring`] | the master keys: sealed values, signatures, rotation |
//! | [`idempotency`] | the same request twice is one effect |
//! | [`inspect`] | files that are a PDF, JPEG or PNG through and through |
//! | [`page`] | pages and sorting of lists |
//! | [`paper`] | tables as PDF pages |
//! | [`picture`] | pictures decoded within bounds |
//! | [`port`] | what all ports have in common |
//! | [`ticks`] | what is done by the clock |
//! | [`turns`] | work that takes a thread or much memory, some at a time |
//! | [`telemetry`] | logs, traces, metrics |
//! | [`template`] | texts and pages for people, filled without harm |
//! | `testing` | what tests of every service need |

pub mod access;
mod backoff;
pub mod cache;
pub mod clock;
pub mod config;
pub mod contact;
pub mod contract;
pub mod copies;
pub mod csv;
pub mod db;
pub mod events;
pub mod fault;
pub mod files;
pub mod id;
pub mod idempotency;
pub mod inspect;
pub mod json;
pub mod keyring;
pub mod mail;
pub mod page;
pub mod paper;
pub mod picture;
pub mod port;
pub mod push;
pub mod service;
pub mod telemetry;
pub mod template;
#[cfg(feature = "testing")]
pub mod testing;
pub mod ticks;
pub mod turns;
pub mod upstream;

/// The allocator of every process: a request allocates some hundred small things, which the C library's does at twice the
/// price.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub use clock::Clock;
pub use db::Db;
pub use fault::Fault;
pub use keyring::Keyring;
