//! The tables as sea-orm sees them; nothing outside the store does.

#![expect(
    unreachable_pub,
    reason = "sea-orm derives on public types; the room around them is private"
)]

pub(super) mod change;
pub(super) mod comment;
pub(super) mod image;
pub(super) mod pause;
pub(super) mod person;
pub(super) mod student;
pub(super) mod ticket;
