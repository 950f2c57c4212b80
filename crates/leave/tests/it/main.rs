//! The leave service through its own gRPC face, on real stores.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests are tests too, and clippy does not know it"
)]

mod calendar;
mod cancelled;
mod chain_races;
mod copies;
mod crowd;
mod decided;
mod documents;
mod ended;
mod extensions;
mod gate;
mod guardians;
mod hostel;
mod letters;
mod limits;
mod lists;
mod privacy;
mod races;
mod requests;
mod roster;
mod rules;
mod sealed;
