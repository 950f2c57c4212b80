//! The tables as sea-orm sees them.

#![expect(
    unreachable_pub,
    reason = "sea-orm derives on public types; the room around them is private"
)]

pub(super) mod session;
pub(super) mod signing_key;
pub(super) mod user;
