//! The tables as sea-orm sees them.

#![expect(
    unreachable_pub,
    reason = "sea-orm derives on public types; the room around them is private"
)]

pub(super) mod account_intent;
pub(super) mod block;
pub(super) mod document;
pub(super) mod room;
pub(super) mod stay;
pub(super) mod student;
pub(super) mod student_word;
