//! The students service through its own gRPC face, on real stores.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests are tests too, and clippy does not know it"
)]

mod auth;
mod blocks;
mod documents;
mod download;
mod hostel;
mod import;
mod moves;
mod own_record;
mod places;
mod privacy;
mod records;
mod register;
mod register_fails;
mod register_races;
mod reseal;
mod rooms;
mod roster;
mod rules;
mod search;
mod seed;
mod tally;
mod trail;
