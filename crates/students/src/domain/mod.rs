//! The rules, pure: no IO, no clock or randomness of their own.

pub mod block;
pub mod change;
pub mod document;
pub mod label;
pub mod place;
pub mod student;
pub mod table;

pub use block::{Block, Fill, Location};
pub use change::{Change, Refusal};
pub use place::{BlockName, Room, RoomNumber, RoomRef, Stay};
pub use student::{Phone, Private, State, Student, Term};
