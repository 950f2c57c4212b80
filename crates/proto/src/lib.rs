//! The contract in Rust: generated types, clients and servers, and the descriptors that they were made from.
//!
//! Nothing here is written by hand but this table of contents; the files under `proto/` are the source.

#[allow(clippy::all, clippy::pedantic, clippy::unwrap_used, reason = "generated code")]
#[allow(clippy::allow_attributes_without_reason, unreachable_pub, reason = "generated code")]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/modules.rs"));
}

pub use generated::{
    google::api as http,
    hostelpulse::{
        attendance::v1 as attendance, audit::v1 as audit, auth::v1 as auth, grievance::v1 as grievance,
        leave::v1 as leave, options::v1 as options, students::v1 as students, types::v1 as types,
    },
};

/// The descriptors of every file, with our options and the comments, as protobuf bytes.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
