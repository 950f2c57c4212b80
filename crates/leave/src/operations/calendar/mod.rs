//! Leaves as a calendar.

mod ical;
pub(crate) mod read;
