//! The auth service through its own gRPC face, on real stores.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests are tests too, and clippy does not know it"
)]

mod hostel;
mod login;
mod tokens;
mod users;
