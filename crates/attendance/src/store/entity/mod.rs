//! The tables as sea-orm sees them; nothing outside the store does.

#![expect(
    unreachable_pub,
    reason = "sea-orm derives on public types; the room around them is private"
)]

pub(super) mod block;
pub(super) mod device;
pub(super) mod flag;
pub(super) mod leave;
pub(super) mod mark;
pub(super) mod mark_change;
pub(super) mod session;
pub(super) mod student;
