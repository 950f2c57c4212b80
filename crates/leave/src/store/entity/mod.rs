//! The tables as sea-orm sees them; nothing outside the store does.

#![expect(
    unreachable_pub,
    reason = "sea-orm derives on public types; the room around them is private"
)]

pub(super) mod decision;
pub(super) mod document;
pub(super) mod guardian;
pub(super) mod guardian_link;
pub(super) mod leave;
pub(super) mod leave_day;
pub(super) mod movement;
pub(super) mod student;
