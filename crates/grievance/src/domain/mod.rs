//! The rules of grievances, pure: no store, no clock, no chance of their own.

pub mod calendar;
mod change;
mod comment;
mod figures;
mod folded;
mod image;
mod number;
mod people;
mod sight;
mod state;
mod ticket;

pub use calendar::{Calendar, Pause, due, elapsed, instant};
pub use change::{Change, Noted, differences};
pub use comment::Comment;
pub use figures::{Ages, Period, Recurring, Taken, recurring};
pub use folded::folded;
pub use image::{Image, ImageKind, MOST_IMAGES};
pub use number::{TicketNumber, TicketRef};
pub use people::{Person, Student};
pub use sight::{Sight, sight};
pub use state::{Refusal, Resolution, State, Work};
pub use ticket::{Place, Priority, Rating, Status, Ticket, Timing};
