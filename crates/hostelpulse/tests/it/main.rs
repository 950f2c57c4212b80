//! The whole product: the real binary over real HTTP, and every rpc against what the contract says of it.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests are tests too, and clippy does not know it"
)]

mod access;
mod apart;
mod at_rest;
mod binary;
mod commands;
mod crowd;
mod demo;
mod garbage;
mod grievances;
mod grievances_desk;
mod killed;
mod leaves;
mod leaves_gate;
mod refusals;
mod residents;
mod roll_call;
mod served;
mod setup;
mod sign_in;
mod wrong_fields;
